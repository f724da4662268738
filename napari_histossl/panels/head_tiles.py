"""Tiles of what is shown of an overlay."""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

from numpy.typing import NDArray

from napari_histossl.errors import SlideReadError, StoreError
from napari_histossl.geometry import Box
from napari_histossl.panels.head_view import HeadView
from napari_histossl.slide.tiles import PlaneTileSource, TileKey, TileSource


class TileView(Protocol):
    """Something of an overlay that can be cut into tiles."""

    def tiles(self, name: str) -> PlaneTileSource:
        """Return it as tiles."""


_View = TypeVar("_View", bound=TileView)


class ViewTiles(TileSource, Generic[_View]):
    """Tiles of what is shown of an overlay; what that is may change.

    Parameters
    ----------
    view : TileView
        What is shown first.
    name : str
        What people call the overlay.

    Notes
    -----
    After `show`, or when a run has written more, tiles that were read before are out of
    date: whoever keeps them has to drop them.
    """

    channels = None

    def __init__(self, view: _View, name: str) -> None:
        self.view, self.name = view, name
        self._tiles = view.tiles(name)
        self.levels, self.dtype = self._tiles.levels, self._tiles.dtype
        self.tile_size, self.kind = self._tiles.tile_size, self._tiles.kind
        self.fill_value = self._tiles.fill_value

    def show(self, view: _View) -> None:
        """Show something else of the same overlay, of the same kind, from now on."""
        self.view, self._tiles = view, view.tiles(self.name)

    def read_tile(self, level: int, ty: int, tx: int) -> NDArray[Any]:
        """Read one tile; see `TileSource.read_tile`."""
        try:
            return self._tiles.read_tile(level, ty, tx)
        except StoreError as error:
            raise SlideReadError(str(error)) from error

    def is_costly(self, level: int) -> bool:
        """Return True where one tile covers 256 tiles of the finer level."""
        return self._tiles.is_costly(level)

    def keys(self, box: Box | None = None) -> list[TileKey]:
        """Return the tiles of all levels that show a box.

        Parameters
        ----------
        box : Box, optional
            In pixels of the finest level; by default all of it.
        """
        box = box or self.levels[0].box
        return [
            (self, level, ty, tx)
            for level in range(len(self.levels))
            for ty, tx in self.grid(level).covering(_shrunk(box, level))
        ]


HeadTiles = ViewTiles[HeadView]
"""Tiles of a head of an overlay."""


def _shrunk(box: Box, level: int) -> Box:
    step = 2**level
    y, x = box.y // step, box.x // step
    return Box(y, x, -(-box.y1 // step) - y, -(-box.x1 // step) - x)
