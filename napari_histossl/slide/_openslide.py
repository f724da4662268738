"""Whatever OpenSlide opens: SVS, NDPI, SCN, MRXS, VMS, BIF, DICOM and others.

This is the only file in which a pair is (x, y): OpenSlide's own order.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import SlideOpenError, SlideReadError
from napari_histossl.geometry import Box, Level, TileGrid
from napari_histossl.slide._array import as_rgb
from napari_histossl.slide.base import Slide

if TYPE_CHECKING:
    import openslide

    from napari_histossl.slide._open import FileSource

_BLOCK_PX = 512
"""Levels with a fractional downsample are read in blocks of this grid."""


def detect_vendor(source: FileSource) -> str | None:
    """Return the name of OpenSlide's driver for a file, or None."""
    import openslide

    return openslide.OpenSlide.detect_format(source.path)


class OpenSlideSlide(Slide):
    """A slide read through OpenSlide.

    Parameters
    ----------
    source : FileSource
        The file, and a scale where the person gave one.

    Raises
    ------
    SlideOpenError
        If OpenSlide cannot open the file.

    Notes
    -----
    One handle serves all threads. OpenSlide refuses everything after one error, so the
    handle is replaced then; the old one is freed when its last reader lets go of it.
    """

    def __init__(self, source: FileSource) -> None:
        self.source = source
        self._lock = threading.Lock()
        self._handle: openslide.OpenSlide | None = self._open()
        self.levels = _levels(self._handle)
        self.properties = _facts(self._handle)
        self.mpp_yx = source.mpp_yx or _mpp_yx(self.properties)
        self.icc_profile = _icc_profile(self._handle)
        self.associated = tuple(sorted(self._handle.associated_images))

    def _open(self) -> openslide.OpenSlide:
        import openslide

        try:
            return openslide.OpenSlide(self._path)
        except (openslide.OpenSlideError, OSError) as error:
            raise SlideOpenError(
                f"{self.source.name} looks like a slide but cannot be opened "
                f"({error}); it may be damaged or incomplete: copy it again"
            ) from error

    @property
    def _path(self) -> str:
        source: FileSource = self.source  # type: ignore[assignment]
        return str(source.path)

    def _read_inside(self, box: Box, level: int) -> NDArray[np.uint8]:
        downsample = self.levels[level].downsample
        if downsample == round(downsample):
            return self._read_region(box, level)
        # OpenSlide takes level-0 integers: here each read is shifted by a part of a
        # pixel, which depends on where it begins. Reading on a fixed grid makes a box
        # the same however it is cut.
        picture = np.empty((*box.shape, 3), np.uint8)
        grid = TileGrid(self.levels[level].shape, _BLOCK_PX)
        for row, column in grid.covering(box):
            block = grid.box(row, column).intersection(self.levels[level].box)
            common = block.intersection(box) if block else None
            if block is None or common is None:
                continue
            pixels = self._read_region(block, level)
            picture[common.shifted(-box.y, -box.x).slices] = pixels[
                common.shifted(-block.y, -block.x).slices
            ]
        return picture

    def _read_region(self, box: Box, level: int) -> NDArray[np.uint8]:
        import openslide

        downsample = self.levels[level].downsample
        corner_xy = round(box.x * downsample), round(box.y * downsample)
        handle = self._current()
        try:
            region = handle.read_region(corner_xy, level, (box.width, box.height))
        except openslide.OpenSlideError as error:
            self._replace(handle)
            raise SlideReadError(
                f"{self.source.name}: level {level}, row {box.y}, column {box.x}, "
                f"{box.height} x {box.width} px cannot be read ({error}); the file may "
                f"be damaged or incomplete"
            ) from error
        return as_rgb(np.asarray(region))

    def read_associated(self, name: str) -> NDArray[np.uint8]:
        """Read label, macro or thumbnail; see `Slide.read_associated`."""
        import openslide

        if name not in self.associated:
            return super().read_associated(name)
        handle = self._current()
        try:
            picture = handle.associated_images[name]
        except openslide.OpenSlideError as error:
            self._replace(handle)
            raise SlideReadError(
                f"{self.source.name}: its {name} picture cannot be read ({error}); the "
                f"file may be damaged or incomplete"
            ) from error
        return as_rgb(np.asarray(picture))

    def _current(self) -> openslide.OpenSlide:
        with self._lock:
            if self._handle is None:
                raise SlideReadError(
                    f"{self.source.name} has been closed; open it again"
                )
            return self._handle

    def _replace(self, latched: openslide.OpenSlide) -> None:
        """Open the file anew unless another thread has done so already."""
        with self._lock:
            if self._handle is latched:
                try:
                    self._handle = self._open()
                except SlideOpenError:
                    return  # gone for now: the next read finds the old error again

    def close(self) -> None:
        """Release the file once the last read is through."""
        with self._lock:
            self._handle = None


def _levels(handle: openslide.OpenSlide) -> tuple[Level, ...]:
    return tuple(
        Level((height, width), max(1.0, float(downsample)))
        for (width, height), downsample in zip(
            handle.level_dimensions, handle.level_downsamples, strict=True
        )
    )


def _facts(handle: openslide.OpenSlide) -> Mapping[str, str]:
    return dict(handle.properties)


def _icc_profile(handle: openslide.OpenSlide) -> bytes | None:
    import openslide

    try:
        profile = handle.color_profile
    except (openslide.OpenSlideError, OSError):
        return None  # what cannot be read as a profile is none
    return None if profile is None else bytes(profile.tobytes())


def _mpp_yx(properties: Mapping[str, str]) -> tuple[float, float] | None:
    from napari_histossl.slide._scale import checked_mpp, from_text

    return checked_mpp(
        from_text(properties.get("openslide.mpp-y")),
        from_text(properties.get("openslide.mpp-x")),
    )
