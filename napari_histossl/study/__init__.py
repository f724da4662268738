"""Blinded reader studies: design, reading, results. No torch, no Qt.

Names are listed in ``__init__.pyi`` and loaded when first used: a reading session needs
neither Pillow nor scipy.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
del lazy_loader
