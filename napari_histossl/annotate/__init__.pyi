from . import formats as formats
from ._entries import Entry as Entry
from ._entries import Kind as Kind
from .masks import MaskStore as MaskStore
from .masks import Receipt as Receipt
from .strokes import Stroke as Stroke
