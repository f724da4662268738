from . import geojson as geojson
from . import png as png
