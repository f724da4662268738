"""Look at, correct and judge histology slides with self-supervised models.

Names are listed in ``__init__.pyi`` and loaded when first used: importing the package
loads neither Qt nor torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
del lazy_loader
