"""What a slide is: levels, a scale, and boxes of pixels.

References
----------
The one-abstract-slide-many-back-ends shape follows openslide-python's `AbstractSlide`
(openslide/openslide-python openslide/__init__.py @c63ac05, LGPL-2.1); written anew
with (row, column) pairs and boxes in the pixels of the level that is read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from napari_histossl.closing import Closing
from napari_histossl.errors import GeometryError, MissingScaleError, SlideReadError
from napari_histossl.geometry import Box, Level

WHITE = 255
"""Value outside the slide and where it is transparent."""


@runtime_checkable
class SlideSource(Protocol):
    """A small picklable record from which a slide can be opened anywhere."""

    @property
    def name(self) -> str:
        """What people call the slide: a file name, or a drawn slide's parameters."""

    @property
    def fingerprint(self) -> str:
        """Text that changes when the slide's content does; cheap to compute."""

    def open(self) -> Slide:
        """Open the slide."""


class Slide(Closing, ABC):
    """A picture of a glass slide at several resolutions.

    Attributes
    ----------
    source : SlideSource
        From what it was opened; pass this, never the slide, to another process.
    levels : tuple of Level
        The file's own levels, finest first; `levels[0].downsample` is 1.
    mpp_yx : tuple of float or None
        Micrometres per level-0 pixel along rows and columns; None when unknown.
    properties : mapping of str to str
        Facts about the slide as the file tells them.
    icc_profile : bytes or None
        ICC profile of the colours that `read` returns; None where the file has none.
    associated : tuple of str
        Names of further pictures in the file, such as ``"label"`` and ``"macro"``.
        They may show a person's name.

    Notes
    -----
    `read` is safe to call from several threads.
    """

    source: SlideSource
    levels: tuple[Level, ...]
    mpp_yx: tuple[float, float] | None
    properties: Mapping[str, str] = MappingProxyType({})
    icc_profile: bytes | None = None
    associated: tuple[str, ...] = ()

    @cached_property
    def kept(self) -> dict[Any, Any]:
        """What has been found out about the slide, for the next one who asks."""
        return {}

    def read(self, box: Box, level: int) -> NDArray[np.uint8]:
        """Read a box of one of the file's own levels.

        Parameters
        ----------
        box : Box
            Rectangle in pixels of the level; it may hang over the edges.
        level : int
            Index into `levels`.

        Returns
        -------
        ndarray of shape (height, width, 3) and dtype uint8
            RGB; white outside the slide and where it is transparent.

        Raises
        ------
        GeometryError
            If there is no such level.
        SlideReadError
            If the pixels cannot be decoded.
        """
        if not 0 <= level < len(self.levels):
            raise GeometryError(
                f"{self.source.name} has levels 0 to {len(self.levels) - 1}; "
                f"got level {level}"
            )
        inside = box.intersection(self.levels[level].box)
        if inside == box:
            return self._read_inside(box, level)
        picture = np.full((*box.shape, 3), WHITE, np.uint8)
        if inside is not None:
            picture[inside.shifted(-box.y, -box.x).slices] = self._read_inside(
                inside, level
            )
        return picture

    def require_mpp(self) -> tuple[float, float]:
        """Return the scale of a slide, for work that makes no sense without it.

        Returns
        -------
        tuple of float
            Micrometres per level-0 pixel along rows and columns.

        Raises
        ------
        MissingScaleError
            If the slide does not say how large a pixel is.
        """
        if self.mpp_yx is None:
            raise MissingScaleError(
                f"{self.source.name} does not say how large a pixel is; give it: "
                f"--mpp 0.5 in a shell, open_slide(path, mpp=0.5) in Python, or the "
                f"field on the Slide page"
            )
        return self.mpp_yx

    def read_associated(self, name: str) -> NDArray[np.uint8]:
        """Read one of the further pictures in the file.

        Parameters
        ----------
        name : str
            One of `associated`.

        Returns
        -------
        ndarray of shape (height, width, 3) and dtype uint8
            RGB; white where it is transparent.

        Raises
        ------
        SlideReadError
            If there is no such picture or it cannot be decoded.
        """
        known = ", ".join(self.associated) or "none"
        raise SlideReadError(
            f"{self.source.name} has no picture {name!r} beside the slide; "
            f"it has: {known}"
        )

    @abstractmethod
    def _read_inside(self, box: Box, level: int) -> NDArray[np.uint8]:
        """Read a box that lies wholly inside a level."""

    @abstractmethod
    def close(self) -> None:
        """Release files; reading afterwards raises `SlideReadError`."""

    def __reduce__(self) -> tuple[object, tuple[SlideSource | Slide]]:
        # a slide that travels to another process is opened anew there
        return _reopen, (self.source,)


def _reopen(source: SlideSource) -> Slide:
    return source.open()
