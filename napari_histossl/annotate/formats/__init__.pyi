from . import asap as asap
from . import geojson as geojson
from . import painting as painting
from . import png as png
from . import tiff as tiff
from .shapes import Polygon as Polygon
from .shapes import Shape as Shape
from .shapes import Shapes as Shapes
