"""One texture that holds many tiles, drawn in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vispy import gloo
from vispy.scene.visuals import create_visual_node
from vispy.visuals import Visual

from napari_histossl.slide.tiles import TileKind
from napari_histossl.widgets.canvas._corners import Corners
from napari_histossl.widgets.canvas._shaders import (
    FRAGMENT_SHADER,
    VERTEX_SHADER,
    colour_function,
    finish_function,
)

_FORMATS = {"image": ("rgb", "rgb8"), "labels": ("luminance", "r8")}
_FLOATS = ("luminance", "r32f")
_BYTES = ("luminance", "r8")


class TileAtlasVisual(Visual):
    """Pieces of tiles out of one texture.

    Parameters
    ----------
    kind : {"image", "values", "labels"}
        How a texel becomes a colour.
    tile_px : int
        Edge of a tile.
    rows, columns : int
        Tiles along each side of the texture.
    dtype : numpy.dtype
        Type of the tiles; what is neither 8 bits nor labels is kept as 32-bit floats.
    """

    is_drawn = False

    def __init__(
        self,
        kind: TileKind,
        tile_px: int,
        rows: int,
        columns: int,
        dtype: np.dtype[Any],
    ) -> None:
        super().__init__(VERTEX_SHADER, FRAGMENT_SHADER)
        self._draw_mode = "triangles"
        self.tile_px, self.kind = tile_px, kind
        self.as_floats = kind == "values" and dtype != np.uint8
        self._places = gloo.VertexBuffer(np.zeros((6, 4), np.float32))
        self._limits = gloo.VertexBuffer(np.zeros((6, 4), np.float32))
        self.shared_program["a_place"] = self._places
        self.shared_program["a_limits"] = self._limits
        self._texture: Any = None
        self._colours: Any = None
        self._is_hatched: bool | None = None
        self._is_as_it_is: bool | None = None
        self._set_hatched(False)
        self.resize(rows, columns)
        self.set_colours((0.0, 1.0), 1.0)
        if kind != "image":
            self.set_table(np.zeros((256, 4), np.float32))
        if kind == "values":
            self.set_odd_colours((0.0,) * 4, (0.0,) * 4, (0.0,) * 4)
        self.freeze()

    def resize(self, rows: int, columns: int) -> None:
        """Make the texture anew; what was in it is lost."""
        pixels, stored = _FORMATS.get(self.kind, _FLOATS if self.as_floats else _BYTES)
        shape = (rows * self.tile_px, columns * self.tile_px)
        self._texture = gloo.Texture2D(
            shape=(*shape, 3 if self.kind == "image" else 1),
            format=pixels,
            internalformat=stored,
            interpolation="linear" if self.kind == "image" else "nearest",
            wrapping="clamp_to_edge",
        )
        self.shared_program["u_atlas"] = self._texture
        self.shared_program["u_atlas_px"] = (float(shape[1]), float(shape[0]))
        self.is_drawn = False

    def upload(
        self,
        tile: NDArray[Any],
        place: tuple[int, int],
        at_px: tuple[int, int] = (0, 0),
    ) -> int:
        """Put a tile into a square of the texture with the next draw; return bytes.

        Parameters
        ----------
        tile : ndarray
            The tile, or a part of it, C-contiguous.
        place : tuple of int
            Row and column of the square.
        at_px : tuple of int
            Where in the square a part begins.
        """
        if self.as_floats and tile.dtype != np.float32:
            tile = tile.astype(np.float32)
        if tile.ndim == 2:
            tile = tile[..., None]
        offset = tuple(
            square * self.tile_px + at for square, at in zip(place, at_px, strict=True)
        )
        self._texture.set_data(tile, offset=offset)
        return int(tile.nbytes)

    def set_pieces(self, corners: Corners) -> None:
        """Draw these pieces from the next draw on."""
        self.is_drawn = len(corners.places) > 0
        if self.is_drawn:
            self._places.set_data(corners.places)
            self._limits.set_data(corners.limits)
            self._set_hatched(corners.some_unreadable)

    # ---- Colours ----

    def set_smooth(self, smooth: bool) -> None:
        """Mix neighbouring texels, or show them as squares."""
        wanted = "linear" if smooth else "nearest"
        if self._texture.interpolation != wanted:
            self._texture.interpolation = wanted

    def set_colours(self, limits: tuple[float, float], gamma: float) -> None:
        """Set the values that become 0 and 1, in units of the texture, and gamma."""
        low, high = limits
        if high <= low:
            high = low + 1e-6
        as_it_is = (low, high, gamma) == (0.0, 1.0, 1.0)
        if as_it_is != self._is_as_it_is:
            self._is_as_it_is = as_it_is
            colour = colour_function(self.kind, as_it_is=as_it_is)
            self.shared_program.frag["to_colour"] = colour
        if self.kind == "values" or (self.kind == "image" and not as_it_is):
            self.shared_program["u_limits"] = (low, high)
            self.shared_program["u_gamma"] = gamma

    def _set_hatched(self, is_hatched: bool) -> None:
        if is_hatched != self._is_hatched:
            self._is_hatched = is_hatched
            self.shared_program.frag["finish"] = finish_function(is_hatched=is_hatched)

    def set_table(self, colours: NDArray[np.float32]) -> None:
        """Set the colours of values or labels: (N, 4), RGBA from 0 to 1."""
        self._colours = gloo.Texture2D(
            np.ascontiguousarray(colours[None], np.float32),
            internalformat="rgba32f",
            interpolation="nearest" if self.kind == "labels" else "linear",
            wrapping="clamp_to_edge",
        )
        self.shared_program["u_colours"] = self._colours
        self.shared_program["u_colours_px"] = float(len(colours))

    def set_odd_colours(self, no_number: Any, below: Any, above: Any) -> None:
        """Set the RGBA of NaN and of values beyond the limits."""
        self.shared_program["u_no_number"] = tuple(map(float, no_number))
        self.shared_program["u_below"] = tuple(map(float, below))
        self.shared_program["u_above"] = tuple(map(float, above))

    # ---- What vispy calls ----

    def _prepare_transforms(self, view: Any) -> None:
        view.view_program.vert["transform"] = view.get_transform("visual", "render")

    def _prepare_draw(self, view: Any = None) -> bool:
        return self.is_drawn

    def _compute_bounds(self, axis: int, view: Any) -> None:
        return None


TileAtlas: Any = create_visual_node(TileAtlasVisual)
"""The same as a node of a scene."""
