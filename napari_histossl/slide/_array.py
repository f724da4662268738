"""Slides made of arrays in memory: small pictures, and slides for tests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import SlideReadError
from napari_histossl.geometry import Box, Level
from napari_histossl.slide.base import Slide, SlideSource

NO_FACTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class ArraySource:
    """The record of a slide in memory: the pixels themselves.

    Attributes
    ----------
    pictures : tuple of ndarray
        RGB pictures (H, W, 3) uint8, finest first.
    mpp_yx : tuple of float or None
        Micrometres per level-0 pixel.
    downsamples : tuple of float
        Level-0 pixels per pixel of each picture.
    name : str
        What people call the slide.
    """

    pictures: tuple[NDArray[np.uint8], ...]
    mpp_yx: tuple[float, float] | None
    downsamples: tuple[float, ...]
    name: str = "array"

    @property
    def fingerprint(self) -> str:
        """Hash of all pixels."""
        digest = hashlib.sha256()
        for picture in self.pictures:
            digest.update(f"{picture.shape}".encode())
            digest.update(picture.tobytes())
        return digest.hexdigest()

    def open(self) -> ArraySlide:
        """Return the slide."""
        return ArraySlide(
            self.pictures,
            mpp_yx=self.mpp_yx,
            downsamples=self.downsamples,
            name=self.name,
        )


class ArraySlide(Slide):
    """A slide whose pixels are in memory.

    Parameters
    ----------
    pictures : ndarray or sequence of ndarray
        One picture, or one per level, finest first, each as `as_rgb` takes it.
    mpp_yx : tuple of float, optional
        Micrometres per level-0 pixel along rows and columns.
    downsamples : sequence of float, optional
        Level-0 pixels per pixel of each picture; by default from the shapes.
    name : str, optional
        What people call the slide.
    properties : mapping, optional
        Facts to show.
    source : SlideSource, optional
        The record to reopen it from; by default one that holds the pixels.
    """

    def __init__(
        self,
        pictures: NDArray[Any] | Sequence[NDArray[Any]],
        *,
        mpp_yx: tuple[float, float] | None = None,
        downsamples: Sequence[float] | None = None,
        name: str = "array",
        properties: Mapping[str, str] = NO_FACTS,
        source: SlideSource | None = None,
    ) -> None:
        if isinstance(pictures, np.ndarray):
            pictures = [pictures]
        rgb = tuple(as_rgb(picture) for picture in pictures)
        shapes = [picture.shape[:2] for picture in rgb]
        factors = downsamples or [mean_ratio(shapes[0], shape) for shape in shapes]
        self.levels = tuple(
            Level((int(shape[0]), int(shape[1])), float(factor))
            for shape, factor in zip(shapes, factors, strict=True)
        )
        self.mpp_yx = mpp_yx
        self.properties = properties
        self._pictures: tuple[NDArray[np.uint8], ...] | None = rgb
        own = ArraySource(rgb, mpp_yx, tuple(map(float, factors)), name)
        self.source = own if source is None else source

    def _read_inside(self, box: Box, level: int) -> NDArray[np.uint8]:
        pictures = self._pictures
        if pictures is None:
            raise SlideReadError(f"{self.source.name} has been closed; open it again")
        return pictures[level][box.slices].copy()

    def close(self) -> None:
        """Let go of the pixels."""
        self._pictures = None


def mean_ratio(shape0: Sequence[int], shape: Sequence[int]) -> float:
    """Return the downsample between two shapes, the mean of both axes, at least 1."""
    return max(1.0, (shape0[0] / shape[0] + shape0[1] / shape[1]) / 2)


def as_rgb(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn grey, grey + alpha, RGB or RGBA pixels into RGB over white.

    Parameters
    ----------
    picture : ndarray of shape (H, W) or (H, W, 1 to 4) and dtype uint8 or uint16
        16-bit values are scaled by 1/257, so that 65535 becomes 255.

    Returns
    -------
    ndarray of shape (H, W, 3) and dtype uint8
        RGB; white where the picture is transparent.

    Raises
    ------
    SlideReadError
        If the pixels are of another kind.
    """
    if picture.dtype == np.bool_:
        picture = picture.astype(np.uint8) * np.uint8(255)
    if picture.dtype == np.uint16:
        picture = ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if picture.ndim == 2:
        picture = picture[..., None]
    channels = picture.shape[-1]
    if picture.dtype != np.uint8 or picture.ndim != 3 or not 1 <= channels <= 4:
        raise SlideReadError(
            f"a slide has 8-bit or 16-bit grey or RGB pixels; got {picture.dtype} of "
            f"shape {picture.shape}"
        )
    colour = picture[..., : 3 if channels >= 3 else 1]
    if channels in (2, 4):
        colour = _over_white(colour, picture[..., -1:])
    return np.ascontiguousarray(np.broadcast_to(colour, (*picture.shape[:2], 3)))


def _over_white(colour: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> Any:
    if alpha.min(initial=255) == 255:
        return colour
    opacity = alpha.astype(np.uint16)
    blended = colour * opacity + np.uint16(255) * (255 - opacity)
    return ((blended + np.uint16(127)) // 255).astype(np.uint8)
