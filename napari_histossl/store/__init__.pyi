from . import masks as masks
from . import paths as paths
from . import provenance as provenance
from .lock import WriterLock as WriterLock
from .pyramid import Pyramid as Pyramid
from .reduce import priority_reducer as priority_reducer
from .tiff import write_tiff as write_tiff
