"""What is fixed when a mask is made, and ties its two files together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate.journal import Journal
from napari_histossl.classes import ClassTable
from napari_histossl.errors import JournalError

MASK_ID = "mask_id"
"""Key of the random name that folder and journal share."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is fixed when a mask is made.

    Attributes
    ----------
    mask_id : str
        Random; the same in the folder and in the journal.
    classes : ClassTable
        What the labels mean.
    downsample : float
        Pixels of the slide's level 0 per pixel of the mask.
    provenance : dict
        What the mask was made from.
    """

    mask_id: str
    classes: ClassTable
    downsample: float
    provenance: dict[str, Any]

    @classmethod
    def of(cls, journal: Journal) -> Self:
        """Return what a journal's header says.

        Raises
        ------
        JournalError
            If a fact is missing or makes no sense.
        """
        header = journal.facts.header
        try:
            return cls(
                str(header[MASK_ID]),
                ClassTable.from_json(header["classes"]),
                float(header["downsample"]),
                dict(header["provenance"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise JournalError(
                f"the header of the journal {journal.path} is damaged ({error}); "
                f"restore the file from a backup"
            ) from error

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            MASK_ID: self.mask_id,
            "classes": self.classes.to_json(),
            "downsample": self.downsample,
            "provenance": self.provenance,
        }


def check_pair(path: Path, planes: Planes, journal: Journal) -> None:
    """Refuse a folder and a journal of two masks.

    Raises
    ------
    JournalError
        If they do not belong together.
    """
    if planes.labels.provenance.get(MASK_ID) != Header.of(journal).mask_id:
        raise JournalError(
            f"the journal {journal.path.name} does not belong to {path}; a mask is the "
            f"pair of both, move or restore them together"
        )
