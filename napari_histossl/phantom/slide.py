"""Drawn tissue as a slide like any other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box, Level
from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.layout import Scene, lay_out
from napari_histossl.phantom.render import (
    Drawing,
    draw_box,
    draw_truth,
    find_nuclei,
)
from napari_histossl.phantom.settings import setting_named
from napari_histossl.slide.base import Slide

COARSEST_PX = 512
"""Levels go on until the longer edge is not above this."""

_SEARCH_PX0 = 1024
"""Nuclei of a large box are looked for in tiles of this edge."""


@dataclass(frozen=True, slots=True)
class PhantomSource:
    """The record of a drawn slide.

    Attributes
    ----------
    seed : int
        What makes slides differ.
    height, width : int
        Level-0 pixels.
    mpp : float
        Micrometres per level-0 pixel.
    setting : str
        Name of the constants, see `settings.SETTINGS`.
    """

    seed: int
    height: int
    width: int
    mpp: float
    setting: str = "v1"

    @property
    def name(self) -> str:
        """What people call the slide; usable as a file name."""
        return (
            f"drawn-{self.setting}-seed{self.seed}-"
            f"{self.height}x{self.width}-{self.mpp:g}um"
        )

    @property
    def fingerprint(self) -> str:
        """All that decides the content."""
        return (
            f"phantom:{self.setting}:{self.seed}:{self.height}x{self.width}:"
            f"{self.mpp!r}"
        )

    def open(self) -> PhantomSlide:
        """Open the slide."""
        return PhantomSlide(
            self.seed, self.height, self.width, self.mpp, setting=self.setting
        )


@dataclass(frozen=True, slots=True, eq=False)
class NucleiTruth:
    """The nuclei whose centre lies in a box.

    Attributes
    ----------
    centre_px0 : ndarray of shape (N, 2) and dtype float64
        (row, column) in level-0 pixels; the centre of the first pixel is 0.5.
    class_index : ndarray of shape (N,) and dtype uint8
        Class of the cell: that of the place, or lymphocyte for one that wandered.
    """

    centre_px0: NDArray[np.float64]
    class_index: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.class_index)


class PhantomSlide(Slide):
    """A drawn slide: any box of any level, without a file.

    Parameters
    ----------
    seed : int
        What makes slides differ: layout, growth, dyes, light.
    height, width : int
        Level-0 pixels of the glass; the tissue is centred on it.
    mpp : float
        Micrometres per level-0 pixel, 0.1 to 10.
    setting : str
        Name of the constants.

    Raises
    ------
    GeometryError
        If the size or the scale cannot be, or there is no such setting.

    Notes
    -----
    Nothing is kept between reads; reading is safe from several threads.

    Examples
    --------
    >>> slide = PhantomSlide(1, 2000, 3000, 0.5)
    >>> slide.read(Box(900, 1400, 64, 64), 0).shape
    (64, 64, 3)
    """

    def __init__(
        self, seed: int, height: int, width: int, mpp: float, setting: str = "v1"
    ) -> None:
        if min(height, width) < 1 or not 0.1 <= mpp <= 10 or seed < 0:
            raise GeometryError(
                f"a drawn slide has a seed from 0, at least one pixel and 0.1 to 10 "
                f"um per pixel; got seed {seed}, {height} x {width} pixels, {mpp} um"
            )
        self.source = PhantomSource(seed, height, width, float(mpp), setting)
        self.mpp_yx = (float(mpp), float(mpp))
        self.levels = _levels(height, width)
        self._mpp = float(mpp)
        extent_um = (height * self._mpp, width * self._mpp)
        self._scene = Scene.of(seed, setting_named(setting), extent_um)

    def _read_inside(self, box: Box, level: int) -> NDArray[np.uint8]:
        return draw_box(self._scene, box, self._px_um(level)).rgb

    def _px_um(self, level: int) -> float:
        if not 0 <= level < len(self.levels):
            raise GeometryError(
                f"{self.source.name} has levels 0 to {len(self.levels) - 1}; "
                f"got level {level}"
            )
        return self._mpp * self.levels[level].downsample

    def draw(self, box: Box, level: int) -> Drawing:
        """Return picture, classes and nuclei of a box at once.

        Parameters
        ----------
        box : Box
            Rectangle in pixels of the level. Unlike in `read` the drawing goes on
            beyond the edges of the slide, where there is only glass.
        level : int
            Index into `levels`.

        Raises
        ------
        GeometryError
            If there is no such level.
        """
        return draw_box(self._scene, box, self._px_um(level))

    def truth(self, box: Box, level: int) -> NDArray[np.uint8]:
        """Return the class of each pixel of a box of a level.

        Returns
        -------
        ndarray of shape (height, width) and dtype uint8
            Indices of `classes.DEFAULT_CLASSES`, never 0; the class at the centre of
            the pixel.

        Raises
        ------
        GeometryError
            If there is no such level.
        """
        return draw_truth(self._scene, box, self._px_um(level))

    def nuclei_mask(self, box: Box, level: int) -> NDArray[np.bool_]:
        """Return where nuclei cover more than half of a pixel.

        Returns
        -------
        ndarray of shape (height, width) and dtype bool
            True on nuclei.

        Raises
        ------
        GeometryError
            If there is no such level.
        """
        return self.draw(box, level).nuclei

    def nuclei(self, box_px0: Box) -> NucleiTruth:
        """Return the nuclei whose centre lies in a box of level-0 pixels."""
        centres, kinds = [], []
        for tile in _tiles(box_px0):
            frame = Frame.around(tile, self._mpp)
            found = find_nuclei(self._scene, lay_out(self._scene, frame), frame)
            centre = np.stack([found.y_um, found.x_um], axis=1) / self._mpp
            inside = (centre >= (tile.y, tile.x)) & (centre < (tile.y1, tile.x1))
            keep = inside.all(axis=1) & (found.kind > 0)
            centres.append(centre[keep])
            kinds.append(found.kind[keep])
        return NucleiTruth(np.concatenate(centres), np.concatenate(kinds))

    def close(self) -> None:
        """Nothing to release: a drawn slide can be read for ever."""


def _levels(height: int, width: int) -> tuple[Level, ...]:
    levels = [Level((height, width), 1.0)]
    while max(levels[-1].shape) > COARSEST_PX:
        factor = 2 ** len(levels)
        shape = (math.ceil(height / factor), math.ceil(width / factor))
        levels.append(Level(shape, float(factor)))
    return tuple(levels)


def _tiles(box: Box) -> list[Box]:
    """Cut a box along the absolute grid of search tiles."""
    rows = range(box.y // _SEARCH_PX0, (box.y1 - 1) // _SEARCH_PX0 + 1)
    columns = range(box.x // _SEARCH_PX0, (box.x1 - 1) // _SEARCH_PX0 + 1)
    pieces = [
        Box(r * _SEARCH_PX0, c * _SEARCH_PX0, _SEARCH_PX0, _SEARCH_PX0).intersection(
            box
        )
        for r in rows
        for c in columns
    ]
    return [piece for piece in pieces if piece is not None]
