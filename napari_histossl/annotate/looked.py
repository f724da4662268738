"""Which parts of a slide were looked at closely; a coarse bitmap beside a mask."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate._tissue_below import TissueAreas, TissueBelow
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.store.whole import written_whole

CELL_UM = 32.0
"""Edge of a cell: a slide of 5 x 5 cm has 2.4 million, packed 300 kB."""

CLOSE_UM = 1.0
"""Micrometres a screen pixel, at most, at which one looks closely: 10 times."""

_ON_EDGE = 1e-6
"""What comes this close to a whole cell is one."""


class LookedAt:
    """Cells of a slide, each looked at or not.

    Parameters
    ----------
    path : Path
        File; read where it exists.
    extent_um : tuple of float
        Height and width of the slide in micrometres.

    Attributes
    ----------
    cells : ndarray of shape (H, W) and dtype bool
        True where somebody has looked.

    Raises
    ------
    StoreError
        If the file cannot be read, or is of another slide.
    """

    def __init__(self, path: Path, extent_um: tuple[float, float]) -> None:
        self.path = path
        height, width = (max(int(np.ceil(n / CELL_UM)), 1) for n in extent_um)
        self.cells: NDArray[np.bool_] = np.zeros((height, width), np.bool_)
        self._is_saved = True
        if path.exists():
            self.cells = _read(path, (height, width))

    def mark(self, box_um: tuple[float, float, float, float]) -> Box | None:
        """Mark what was on the screen; cells that were wholly on it count.

        Parameters
        ----------
        box_um : tuple of float
            Top, left, bottom and right in micrometres from the corner of the slide.

        Returns
        -------
        Box or None
            Cells that are new, or None where all were looked at before.
        """
        top, left, bottom, right = (value / CELL_UM for value in box_um)
        y0, x0 = (max(int(np.ceil(value - _ON_EDGE)), 0) for value in (top, left))
        height, width = self.cells.shape
        # the last cell hangs over the edge of the slide, which is seen with it
        y1, x1 = (
            length if value >= length - 1 + _ON_EDGE and is_last else int(value)
            for value, length, is_last in (
                (bottom, height, bottom > height - 1),
                (right, width, right > width - 1),
            )
        )
        part = self.cells[y0:y1, x0:x1]
        if not part.size or part.all():
            return None
        part[:] = True
        self._is_saved = False
        return Box(y0, x0, *part.shape)

    def share(self, tissue: TissueAreas, pixel_um: float) -> float | None:
        """Return which share of the tissue was looked at; None where there is none.

        Parameters
        ----------
        tissue : TissueMap
            Tissue of the slide.
        pixel_um : float
            Micrometres per level-0 pixel of the slide.
        """
        is_tissue = self.tissue_cells(tissue, pixel_um)
        count = np.count_nonzero(is_tissue)
        return (
            float(np.count_nonzero(is_tissue & self.cells) / count) if count else None
        )

    def tissue_cells(self, tissue: TissueAreas, pixel_um: float) -> NDArray[np.bool_]:
        """Return which cells lie on tissue, (H, W)."""
        below = TissueBelow(tissue, self.cells.shape, CELL_UM / pixel_um)
        return below.at(Box(0, 0, *self.cells.shape))

    def save(self) -> None:
        """Write the file, if there is something new.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        if self._is_saved:
            return
        facts = json.dumps({"cell_um": CELL_UM, "shape": self.cells.shape})
        with written_whole(self.path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, facts=facts, cells=np.packbits(self.cells))
        self._is_saved = True


def looked_path(mask_path: Path) -> Path:
    """Return where it is kept what of a mask's slide was looked at."""
    name = mask_path.name.removesuffix(".ome.zarr")
    return mask_path.with_name(f"{name}.looked.npz")


def _read(path: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            bits = np.unpackbits(file["cells"], count=shape[0] * shape[1])
        is_same = (facts["cell_um"], tuple(facts["shape"])) == (CELL_UM, shape)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise StoreError(
            f"what was looked at cannot be read from {path} ({error}); delete the file "
            f"to begin anew"
        ) from error
    if not is_same:
        raise StoreError(
            f"{path} says what was looked at on a slide of {facts['shape']} cells; "
            f"this one has {shape}: delete the file to begin anew"
        )
    return bits.astype(np.bool_).reshape(shape)
