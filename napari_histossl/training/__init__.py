"""Labels or pictures and a model to weights: loops, recipes, and whether it worked."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
del lazy_loader
