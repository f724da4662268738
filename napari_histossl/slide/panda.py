"""The PANDA challenge on disk: slides, masks, and the table with their grades.

``train_images/<id>.tiff``, ``train_label_masks/<id>_mask.tiff`` (for most slides), and
``train.csv`` beside the two folders.

References
----------
Bulten et al. 2022, doi:10.1038/s41591-021-01620-2; values and colours of the masks from
the organisers' notebook, DIAGNijmegen/panda-challenge
notebooks/getting-started-with-the-panda-dataset.ipynb (Apache-2.0). Written anew.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from napari_histossl.classes import KAROLINSKA_CLASSES, RADBOUD_CLASSES, ClassTable
from napari_histossl.errors import SlideOpenError, SlideReadError
from napari_histossl.slide._open import open_slide

IMAGES, MASKS, TABLE = "train_images", "train_label_masks", "train.csv"
"""Names of the folders and of the table."""

MASK_ENDING = "_mask.tiff"
"""How the file name of a mask ends."""

PROVIDERS = MappingProxyType(
    {"radboud": RADBOUD_CLASSES, "karolinska": KAROLINSKA_CLASSES}
)
"""What the values of masks mean, by the hospital they are from."""

_HIGHEST = max(info.index for info in RADBOUD_CLASSES)

COLUMNS = ("image_id", "data_provider", "isup_grade", "gleason_score")
"""Columns of the table that are read."""


@dataclass(frozen=True, slots=True)
class PandaCase:
    """One biopsy.

    Attributes
    ----------
    image_id : str
        Name of its files.
    image : Path
        The slide.
    mask : Path or None
        Its mask, where there is one.
    provider : str
        "radboud" or "karolinska".
    isup_grade, gleason_score : str
        As the table has them; empty where it says nothing.
    split : str
        Part of the set, where a person added a column of that name.
    """

    image_id: str
    image: Path
    mask: Path | None
    provider: str
    isup_grade: str = ""
    gleason_score: str = ""
    split: str = ""

    @property
    def classes(self) -> ClassTable | None:
        """What the values of the mask mean; None for an unknown hospital."""
        return PROVIDERS.get(self.provider)

    @property
    def grade(self) -> str:
        """The grade in words that people use."""
        if not self.isup_grade and not self.gleason_score:
            return ""
        return f"ISUP {self.isup_grade or '?'}, Gleason {self.gleason_score or '?'}"


def is_panda(root: Path) -> bool:
    """Tell whether a folder is laid out as PANDA."""
    return (root / TABLE).is_file() and (root / IMAGES).is_dir()


def read_cases(root: str | Path) -> list[PandaCase]:
    """Return the rows of the table, with the files that belong to them.

    Raises
    ------
    SlideOpenError
        If there is no table, or it lacks a column.
    """
    table = Path(root) / TABLE
    try:
        with table.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            missing = set(COLUMNS) - set(reader.fieldnames or ())
            if missing:
                raise SlideOpenError(
                    f"{table} lacks the column {min(missing)}; expected "
                    f"{', '.join(COLUMNS)}"
                )
            return [_case(Path(root), row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        if isinstance(error, SlideOpenError):
            raise
        raise SlideOpenError(f"{table} cannot be read ({error})") from error


def find_case(mask: Path) -> PandaCase | None:
    """Return the case of a mask, or None where no table beside its folder tells it."""
    root = mask.resolve().parent.parent
    image_id = mask.name.removesuffix(MASK_ENDING)
    if not (root / TABLE).is_file():
        return None
    found = (case for case in read_cases(root) if case.image_id == image_id)
    return next(found, None)


def case_of_slide(slide: Path) -> PandaCase | None:
    """Return the case of a slide, or None where it is not in PANDA's folders."""
    if slide.parent.name != IMAGES:
        return None
    return find_case(slide.parent.parent / MASKS / f"{slide.stem}{MASK_ENDING}")


def is_mask(path: Path) -> bool:
    """Tell whether a file is a mask of PANDA: small labels in red, nothing else."""
    if not path.name.endswith(MASK_ENDING):
        return False
    try:
        with open_slide(path) as slide:
            coarsest = slide.levels[-1]
            pixels = slide.read(coarsest.box, len(slide.levels) - 1)
    except (SlideOpenError, SlideReadError):
        return False
    return bool(pixels[..., 0].max() <= _HIGHEST and not pixels[..., 1:].any())


def _case(root: Path, row: dict[str, str]) -> PandaCase:
    name = row["image_id"]
    mask = root / MASKS / f"{name}{MASK_ENDING}"
    return PandaCase(
        name,
        root / IMAGES / f"{name}.tiff",
        mask if mask.is_file() else None,
        (row["data_provider"] or "").strip().lower(),
        (row["isup_grade"] or "").strip(),
        (row["gleason_score"] or "").strip(),
        (row.get("split") or "").strip().lower(),
    )
