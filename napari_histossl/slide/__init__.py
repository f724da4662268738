"""Read pixels: slides of many formats behind one interface.

Names are listed in ``__init__.pyi``; each back end is loaded when a file needs it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
del lazy_loader
