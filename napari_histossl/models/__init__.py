"""Tensors only: architectures by name, and weights that are safe to read.

Names are listed in ``__init__.pyi`` and loaded when first used: listing the models
or reading what a file of weights says about itself does not import torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
del lazy_loader
