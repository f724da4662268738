"""Bring on the screen what has changed of a layer that is drawn tile by tile."""

from __future__ import annotations

from collections.abc import Sequence

from napari.layers import Layer

from napari_histossl.slide.tiles import TileKey, TileSource, tile_arrays
from napari_histossl.widgets._workbench import Workbench


def draw_anew(
    bench: Workbench, layer: Layer, tiles: TileSource, keys: Sequence[TileKey]
) -> None:
    """Read and draw tiles again.

    Parameters
    ----------
    bench : Workbench
        Whose canvas draws.
    layer : Layer
        The layer.
    tiles : TileSource
        What it is drawn from.
    keys : sequence of TileKey
        Which tiles are out of date.
    """
    drawings = bench.canvas.drawings(tiles)
    if drawings:
        bench.canvas.service.invalidate(tiles, keys)
    else:  # napari draws it
        layer.data = tile_arrays(tiles)
    for drawing in drawings:
        drawing.on_change(keys)
