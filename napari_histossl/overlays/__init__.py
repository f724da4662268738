"""A slide and a model to a pyramid: plans, the engine, and what is made of overlays.

Names are listed in ``__init__.pyi`` and loaded when first used: a plan can be made, and
a stored overlay thresholded, without torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
del lazy_loader
