"""Windows of a slide for models that tell classes: pixels, and what is no tissue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.models.pseudo_masks import find_background
from napari_histossl.overlays.attention import AttentionPredictor
from napari_histossl.overlays.grid import Tile


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """What was read of some windows.

    Attributes
    ----------
    pixels : ndarray of shape (N, edge, edge, 3) and dtype uint8
        RGB at the scale of the run, white outside the slide.
    background : ndarray of shape (N, 1, e, e) and dtype float32
        Share of each stored pixel that is no tissue.
    """

    pixels: NDArray[np.uint8]
    background: NDArray[np.float32]


class WindowPredictor(AttentionPredictor):
    """A slide and a model that tells classes; what is no tissue is found by reading.

    Where a CPU computes, reading goes on in a thread of its own, and takes no time from
    the model there.
    """

    def read(self, tiles: Sequence[Tile]) -> Windows:  # type: ignore[override]
        """Return pixels and background of windows.

        Parameters
        ----------
        tiles : sequence of (row, column)
            N windows.

        Raises
        ------
        SlideReadError
            If pixels cannot be decoded.
        """
        pixels = super().read(tiles)
        return Windows(pixels, background_shares(pixels, self._plan.spec.token_px))

    def drawn(self, count: int) -> Windows:
        """Return what `read` might of so many windows: noise, to measure `compute`."""
        pixels = super().drawn(count)
        return Windows(pixels, background_shares(pixels, self._plan.spec.token_px))


def with_background(maps: NDArray[Any], windows: Windows) -> NDArray[np.float32]:
    """Return maps (N, classes, e, e) with one more channel: what is no tissue."""
    both: NDArray[np.float32] = np.concatenate([maps, windows.background], axis=1)
    return both


def background_shares(pixels: NDArray[np.uint8], pixel_px: int) -> NDArray[np.float32]:
    """Return which share of each stored pixel is no tissue.

    Parameters
    ----------
    pixels : ndarray of shape (N, edge, edge, 3) and dtype uint8
        RGB.
    pixel_px : int
        Edge of a stored pixel, which divides `edge`.

    Returns
    -------
    ndarray of shape (N, 1, edge / pixel_px, edge / pixel_px) and dtype float32
        0 to 1; see `models.pseudo_masks.find_background`.
    """
    edge = pixels.shape[1] // pixel_px
    is_background = np.stack([find_background(picture) for picture in pixels])
    blocks = is_background.reshape(-1, 1, edge, pixel_px, edge, pixel_px)
    shares: NDArray[np.float32] = blocks.mean((3, 5), dtype=np.float32)
    return shares
