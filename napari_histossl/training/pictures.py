"""Folders of pictures to learn from and to be judged on; read when they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError, SlideOpenError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
"""Of files that are taken for pictures."""

_READERS = 4
"""Pictures decoded at the same time."""


def find_pictures(folder: str | Path) -> list[Path]:
    """Return the pictures in a folder and in the folders within, sorted.

    Raises
    ------
    PlanError
        If there is no such folder or no picture in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise PlanError(f"there is no folder {root} to take pictures from")
    found = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise PlanError(
            f"no pictures in {root}; expected files ending in "
            f"{', '.join(sorted(SUFFIXES))}"
        )
    return found


class Pictures:
    """Squares from the middle of pictures in files.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    patch_px : int
        Edge of the squares in pixels.
    factors : sequence of int
        Magnifications: each picture comes once for each, averaged over squares of so
        many pixels; ``(1, 2)`` gives half the magnification as well.

    Attributes
    ----------
    shape : tuple of int
        (N, patch_px, patch_px, 3), as of an array.

    Raises
    ------
    PlanError
        If there are no pictures, or a size that cannot be.
    """

    def __init__(
        self, paths: Sequence[Path], patch_px: int, *, factors: Sequence[int] = (1,)
    ) -> None:
        if not paths or patch_px < 1 or not factors or min(factors) < 1:
            raise PlanError(
                f"pictures need files, an edge and factors of at least 1; got "
                f"{len(paths)} files, {patch_px} px, factors {tuple(factors)}"
            )
        self._paths, self._factors = tuple(paths), tuple(factors)
        self._patch_px = patch_px
        self.shape = (len(paths) * len(factors), patch_px, patch_px, 3)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, indices: Any) -> NDArray[np.uint8]:
        """Return the squares at indices, (n, patch_px, patch_px, 3) of dtype uint8.

        Raises
        ------
        SlideOpenError
            If a file cannot be read as a picture.
        PlanError
            If a picture is too small.
        """
        wanted = np.atleast_1d(np.arange(len(self))[indices])
        with ThreadPoolExecutor(_READERS) as pool:
            return np.stack(list(pool.map(self._read, wanted.tolist())))

    def _read(self, index: int) -> NDArray[np.uint8]:
        place, which = divmod(index, len(self._factors))
        factor = self._factors[which]
        path, edge = self._paths[place], self._patch_px * factor
        pixels = read_picture(path)
        height, width = pixels.shape[:2]
        if min(height, width) < edge:
            raise PlanError(
                f"{path} has {height} x {width} px, fewer than the {edge} x {edge} "
                f"that were asked for; give a smaller size of patches"
            )
        y, x = (height - edge) // 2, (width - edge) // 2
        square = pixels[y : y + edge, x : x + edge]
        if factor == 1:
            return square
        blocks = square.reshape(self._patch_px, factor, self._patch_px, factor, 3)
        return np.asarray(np.rint(blocks.mean((1, 3))).astype(np.uint8))


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture as RGB, (H, W, 3) of dtype uint8.

    Raises
    ------
    SlideOpenError
        If the file cannot be read as a picture.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise SlideOpenError(
            f"{path} cannot be read as a picture ({error}); take it out of the folder "
            f"or copy it again"
        ) from error
