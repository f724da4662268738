"""Colours of a scanner to colours of a screen: the ICC profile of a slide to sRGB.

For display only. Models, tissue and everything that is stored read the pixels of the
file: a `ColourManagedSlide` keeps the source of the slide that it wraps, so whoever
opens that source gets raw pixels.

References
----------
Which transform: the manual of openslide-python (`OpenSlide.color_profile`), with
Pillow's `ImageCms` over Little CMS 2 and the rendering intent that the profile asks
for. Here the transform is built once and applied to arrays, from any thread.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import SlideReadError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.slide._tile_source import TileSource
from napari_histossl.slide.base import Slide, SlideSource

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

_STEPS = np.linspace(0, 255, 18).round().astype(np.uint8)
"""Levels per channel on which a profile is compared with sRGB."""

_SAME_LEVELS = 1
"""A profile that changes no colour by more grey levels is sRGB, written another way."""


class ColourTransform:
    """Colours of an ICC profile to sRGB.

    Parameters
    ----------
    profile : bytes
        ICC profile of an RGB device.

    Attributes
    ----------
    name : str
        What the profile calls itself.
    is_srgb : bool
        Whether it changes nothing that can be seen.

    Raises
    ------
    SlideReadError
        If it is not a profile, or not one of an RGB device.

    Notes
    -----
    0.9 ms a tile of 256 x 256 px. A table of all colours takes half of that, and 50 MB
    a slide; Little CMS itself is exact and runs without the interpreter lock.
    """

    def __init__(self, profile: bytes) -> None:
        self.name, self._transform = _build(profile)
        grid = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), axis=-1)
        grid = grid.reshape(len(_STEPS), -1, 3)
        change = np.abs(self(grid).astype(np.int16) - grid)
        self.is_srgb = int(change.max()) <= _SAME_LEVELS

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a picture in sRGB.

        Parameters
        ----------
        picture : ndarray of shape (height, width, 3) and dtype uint8
            RGB as scanned.

        Returns
        -------
        ndarray of the same shape and dtype
        """
        from PIL import Image, ImageCms

        copied = Image.fromarray(np.ascontiguousarray(picture))
        ImageCms.applyTransform(copied, self._transform, inPlace=True)
        return np.array(copied)


def _build(profile: bytes) -> tuple[str, ImageCmsTransform]:
    from PIL import ImageCms

    try:
        scanner = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = scanner.profile.xcolor_space.strip()
        if space != "RGB":
            raise SlideReadError(
                f"the colour profile is for {space} pixels, not for RGB; colours are "
                f"shown as scanned"
            )
        transform = ImageCms.buildTransform(
            scanner,
            ImageCms.createProfile("sRGB"),
            "RGB",
            "RGB",
            renderingIntent=ImageCms.Intent(ImageCms.getDefaultIntent(scanner)),
        )
        name = (scanner.profile.profile_description or "without a name").strip()
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        if isinstance(error, SlideReadError):
            raise
        raise SlideReadError(
            f"the colour profile ({len(profile):,} bytes) cannot be used ({error}); "
            f"colours are shown as scanned"
        ) from error
    return name, transform


def colour_transform(slide: Slide) -> ColourTransform | None:
    """Return the transform from a slide's colours to sRGB.

    Parameters
    ----------
    slide : Slide
        An open slide.

    Returns
    -------
    ColourTransform or None
        None where the slide has no profile.

    Raises
    ------
    SlideReadError
        If its profile cannot be used.
    """
    profile = slide.icc_profile
    return None if profile is None else ColourTransform(profile)


def colour_managed(slide: Slide) -> Slide:
    """Return a slide as it should look on a screen.

    Parameters
    ----------
    slide : Slide
        An open slide.

    Returns
    -------
    Slide
        A `ColourManagedSlide` where the profile changes colours; else the slide itself.
    """
    try:
        transform = colour_transform(slide)
    except SlideReadError:
        return slide  # `colour_transform` says why to those who ask
    if transform is None or transform.is_srgb:
        return slide
    return ColourManagedSlide(slide, transform)


class ColourManagedSlide(Slide):
    """A slide in sRGB, to look at.

    Parameters
    ----------
    slide : Slide
        As scanned; it stays the caller's to close.
    transform : ColourTransform
        From its colours to sRGB.

    Attributes
    ----------
    raw : Slide
        The slide as scanned. `source` is that of the raw slide too: opening it gives
        raw pixels.
    """

    def __init__(self, slide: Slide, transform: ColourTransform) -> None:
        self.raw, self.transform = slide, transform
        self.source, self.levels = slide.source, slide.levels
        self.mpp_yx, self.properties = slide.mpp_yx, slide.properties

    def _read_inside(self, box: Box, level: int) -> NDArray[np.uint8]:
        return self.transform(self.raw.read(box, level))

    def close(self) -> None:
        """Close the raw slide."""
        self.raw.close()

    def __reduce__(self) -> tuple[object, tuple[SlideSource | Slide]]:
        return colour_managed, (self.raw,)


class ColourManagedTiles(TileSource):
    """Tiles in sRGB: those of another source, converted after decoding.

    Parameters
    ----------
    tiles : TileSource
        RGB as scanned; closed with this one.
    transform : ColourTransform
        From its colours to sRGB.
    """

    def __init__(self, tiles: TileSource, transform: ColourTransform) -> None:
        self._tiles, self._transform = tiles, transform
        self.name, self.levels = tiles.name, tiles.levels
        self.tile_size, self.dtype = tiles.tile_size, tiles.dtype
        self.channels, self.kind = tiles.channels, tiles.kind
        self.fill_value = tiles.fill_value

    def read_tile(self, level: int, ty: int, tx: int) -> NDArray[Any]:
        """Read one tile; see `TileSource.read_tile`."""
        return self._transform(self._tiles.read_tile(level, ty, tx))

    def is_costly(self, level: int) -> bool:
        """See `TileSource.is_costly`."""
        return self._tiles.is_costly(level)

    def prepare(self) -> Iterator[Progress]:
        """See `TileSource.prepare`."""
        return self._tiles.prepare()

    def close(self) -> None:
        """Close the source of raw tiles."""
        self._tiles.close()
