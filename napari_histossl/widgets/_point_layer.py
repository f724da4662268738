"""The picture of a point's attention: heat on the slide, and the token it starts at.

napari takes milliseconds to move a layer, and next to nothing to show other numbers in
one that stays: the heat is a layer of some tiles around the cursor, and a move of the
cursor changes numbers in it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import LIT
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.tile_attention import TileAttention
from napari_histossl.widgets._shown import ShownSlide
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

HEAT, TOKEN = "attention from the point", "the point"
"""Names and kinds of the two layers."""

_AROUND = 3
"""Tiles on each side of the one under the cursor that the heat layer reaches to."""

_RING_PX, _TOKEN_PX = 4, 16
"""Width of the ring, in pixels of its picture; how many of them are a token."""

_FREE, _PINNED, _DARK = (255, 255, 255), (0, 229, 255), (0, 0, 0)
"""Colours of the ring, and what surrounds it: seen on glass and on nuclei alike."""


class PointLayer:
    """The two layers of a viewer.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._heat: Image | None = None
        self._token: Image | None = None
        self._plan: RunPlan | None = None
        self._block = Box(0, 0, 1, 1)
        self._drawn: Box | None = None
        self._covered: Image | None = None

    @property
    def heat(self) -> Image | None:
        """The layer of the heat, if it is there."""
        return self._heat if self._heat in self._bench.viewer.layers else None

    def show(
        self,
        plan: RunPlan,
        tile: TileAttention,
        token_ij: tuple[int, int],
        values: NDArray[np.float32],
    ) -> None:
        """Show what a token gives to its tile.

        Parameters
        ----------
        plan : RunPlan
            The run that the tile is of.
        tile : TileAttention
            The tile.
        token_ij : tuple of int
            Row and column of the token in it.
        values : ndarray of shape (edge, edge)
            As `TileAttention.given_by` gives them.
        """
        place = plan.token_box(*tile.tile_ij)
        if self.heat is None or plan != self._plan:
            self.remove()
            self._plan = plan
            self._add(place)
        elif self._block.union(place) != self._block:
            self._move(place)
        assert self._heat is not None
        assert self._token is not None
        self._draw(place, values)
        row, column = place.y + token_ij[0], place.x + token_ij[1]
        off = _RING_PX / _TOKEN_PX
        self._token.translate = self._world(row - off, column - off, 1 / _TOKEN_PX)
        for layer in (self._heat, self._token):
            if not layer.visible:
                layer.visible = True

    def set_limits(self, low: float, high: float) -> None:
        """Say which values the ends of the colours stand for."""
        if self._heat is not None and self._heat.contrast_limits != [low, high]:
            self._heat.contrast_limits = (low, high)

    def cover(self, layer: Image) -> None:
        """Look like an overlay, which is not shown as long as this is."""
        if self._heat is None:
            return
        if layer.visible:
            layer.visible, self._covered = False, layer
        for name in ("colormap", "opacity", "gamma", "interpolation2d"):
            if getattr(self._heat, name) != getattr(layer, name):
                setattr(self._heat, name, getattr(layer, name))

    def mark(self, pinned: bool) -> None:
        """Show whether the token follows the cursor or is pinned."""
        if self._token is not None:
            self._token.data = ring(_PINNED if pinned else _FREE)

    def hide(self) -> None:
        """Show nothing; the layers stay."""
        for layer in (self._heat, self._token):
            if layer is not None:
                layer.visible = False

    def remove(self) -> None:
        """Take the layers off the window."""
        for layer in (self._heat, self._token):
            if layer is not None and layer in self._bench.viewer.layers:
                self._bench.viewer.layers.remove(layer)
        self._heat = self._token = self._plan = self._drawn = None
        covered, self._covered = self._covered, None
        if covered is not None and covered in self._bench.viewer.layers:
            covered.visible = True

    # ---- Details ----

    def _add(self, place: Box) -> None:
        assert self._bench.shown is not None
        self._block, shown = _around(place), self._bench.shown
        heat = np.full((self._block.height, self._block.width), np.nan, np.float32)
        look = {"colormap": LIT, "opacity": 0.9, "interpolation2d": "nearest"}
        self._heat = self._add_layer(shown, HEAT, heat, self._token_um(), **look)
        ring_um = self._token_um() / _TOKEN_PX
        self._token = self._add_layer(shown, TOKEN, ring(_FREE), ring_um, rgb=True)
        self._heat.translate = self._world(self._block.y, self._block.x)
        self._heat.colorbar.visible = True
        self._bench.viewer.layers.selection.active = shown.layer

    def _add_layer(
        self,
        shown: ShownSlide,
        kind: str,
        data: NDArray[Any],
        pixel_um: NDArray[np.float64],
        **options: Any,
    ) -> Image:
        said = {
            "name": kind,
            "scale": tuple(pixel_um),
            "units": tuple(shown.layer.units[-2:]),
            "metadata": {METADATA_KEY: {"kind": kind, "source": shown.source}},
            **options,
        }
        return self._bench.add_layer((data, said, "image"))

    def _move(self, place: Box) -> None:
        """Put the heat around another tile."""
        assert self._heat is not None
        self._clear()
        self._block = _around(place)
        self._heat.translate = self._world(self._block.y, self._block.x)

    def _draw(self, place: Box, values: NDArray[np.float32]) -> None:
        """Write a tile, as far as it lies on the slide, and forget the one before."""
        assert self._heat is not None
        assert self._plan is not None
        self._clear()
        rows, columns = self._plan.shape[1:]
        values = values[: rows - place.y, : columns - place.x]
        y, x = place.y - self._block.y, place.x - self._block.x
        self._drawn = Box(y, x, *values.shape)
        self._heat.data[self._drawn.slices] = values
        self._heat.refresh(thumbnail=False, highlight=False, extent=False)

    def _clear(self) -> None:
        if self._heat is not None and self._drawn is not None:
            self._heat.data[self._drawn.slices] = np.nan

    def _token_um(self) -> NDArray[np.float64]:
        """Return the size of a token in world units."""
        assert self._plan is not None
        assert self._bench.shown is not None
        token_px0 = self._plan.spec.token_px * self._plan.downsample
        return token_px0 * np.array(self._bench.shown.pixel_um_yx)

    def _world(
        self, row: float, column: float, share: float = 1.0
    ) -> NDArray[np.float64]:
        """Return where the first pixel of a picture is that begins at a token.

        The centre of the slide's first pixel is the origin, its edge half before it;
        `share` is the size of the picture's pixels in tokens.
        """
        assert self._bench.shown is not None
        token_um, px0_um = self._token_um(), np.array(self._bench.shown.pixel_um_yx)
        return np.array([row, column]) * token_um + (token_um * share - px0_um) / 2


def ring(colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return a square ring in a colour around a token, dark on both sides of it."""
    edge = _TOKEN_PX + 2 * _RING_PX
    made = np.zeros((edge, edge, 4), np.uint8)
    for off, shade in ((0, _DARK), (1, colour), (_RING_PX - 1, _DARK)):
        made[off : edge - off, off : edge - off] = (*shade, 255)
    made[_RING_PX:-_RING_PX, _RING_PX:-_RING_PX] = 0
    return made


def _around(place: Box) -> Box:
    return place.padded(_AROUND * place.height)
