"""Write pyramids: OME-Zarr and TIFF, masks, provenance, locks, and where they live.

Names are listed in ``__init__.pyi`` and loaded when first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
del lazy_loader
