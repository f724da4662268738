"""The objects of a proposal in a table: where they are, and how uncertain."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.store.whole import written_whole

_FORMAT = 1

_ARRAYS = ("classes", "others", "boxes_px", "anchors_px", "areas_px", "measures")


@dataclass(frozen=True, slots=True, eq=False)
class ObjectTable:
    """Connected objects, one a row.

    Attributes
    ----------
    proposal : str
        What proposed them, as people read it.
    level : int
        Level of the mask whose pixels count here.
    measured : tuple of str
        What is known of each object beside its area, such as ``"entropy"``.
    classes : ndarray of shape (N,) and dtype uint16
        Class of each object.
    others : ndarray of shape (N,) and dtype uint16
        In a comparison the class that the other mask says there; else 0.
    boxes_px : ndarray of shape (N, 4) and dtype int64
        Row, column, height and width, in pixels of the level.
    anchors_px : ndarray of shape (N, 2) and dtype int64
        The first pixel of each object, row by row.
    areas_px : ndarray of shape (N,) and dtype int64
        Pixels of the level.
    measures : ndarray of shape (measured, N) and dtype float32
        Means over each object, 0 to 1; NaN where it is not known.
    left_out : int
        Objects that are smaller than what was asked for.
    """

    proposal: str
    level: int
    measured: tuple[str, ...]
    classes: NDArray[np.uint16]
    others: NDArray[np.uint16]
    boxes_px: NDArray[np.int64]
    anchors_px: NDArray[np.int64]
    areas_px: NDArray[np.int64]
    measures: NDArray[np.float32]
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.classes)

    def name(self, index: int) -> str:
        """Return the name under which the journal knows an object.

        It is the same as long as the proposal is: the class, the level, and the first
        pixel of the object on it.
        """
        row, column = self.anchors_px[index].tolist()
        code = f"{self.classes[index]}"
        if self.others[index]:
            code += f"/{self.others[index]}"
        return f"{self.proposal}:{self.level}:{code}:{row}:{column}"

    def names(self) -> list[str]:
        """Return the names of all objects."""
        return [self.name(index) for index in range(len(self))]

    def box_px(self, index: int) -> Box:
        """Return where an object is, in pixels of the level."""
        return Box(*self.boxes_px[index].tolist())

    def box_px0(self, index: int) -> Box:
        """Return where an object is, in pixels of the mask's level 0."""
        return Box(*(self.boxes_px[index] << self.level).tolist())

    def save(self, path: Path) -> None:
        """Write the table; the file is whole or as it was before.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        facts = {
            "format": _FORMAT,
            "proposal": self.proposal,
            "level": self.level,
            "measured": self.measured,
            "left_out": self.left_out,
        }
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        with written_whole(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, facts=json.dumps(facts), **arrays)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a table.

        Raises
        ------
        StoreError
            If it cannot be read, or is of a later program.
        """
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                facts = json.loads(str(file["facts"]))
                arrays = {name: file[name] for name in _ARRAYS}
            return cls(**_checked(facts), **arrays)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise StoreError(
                f"the list of objects {path} cannot be read ({error}); list them again"
            ) from error


def _checked(facts: dict[str, Any]) -> dict[str, Any]:
    if facts.pop("format") != _FORMAT:
        raise ValueError("it is of another version")
    return {**facts, "measured": tuple(facts["measured"])}
