"""npe2 sample data: the drawn slide that comes with the package."""

from __future__ import annotations

from napari_histossl.napari_io.layers import LayerTuple, slide_layer
from napari_histossl.resources import sample_file
from napari_histossl.slide import open_slide


def open_sample() -> list[LayerTuple]:
    """Return the layer of the sample slide, for napari's File > Open Sample."""
    return [slide_layer(open_slide(sample_file("sample.svs")))]
