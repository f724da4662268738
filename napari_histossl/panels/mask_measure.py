"""How much of each class a mask holds, as the Correct page shows and saves it."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate.measure import Measuring, write_csv
from napari_histossl.errors import StoreError
from napari_histossl.jobs import Progress
from napari_histossl.panels.tissue import saved_or_found
from napari_histossl.slide import SlideSource
from napari_histossl.store.whole import written_whole


@dataclass(frozen=True, slots=True)
class MeasuredClass:
    """One line of the table.

    Attributes
    ----------
    name : str
        Name of the class.
    area_mm2, share_of_tissue : float or None
        Area, and part of the tissue, 0 to 1; None where they are not known.
    objects : int
        Number of regions.
    """

    name: str
    area_mm2: float | None
    share_of_tissue: float | None
    objects: int


def table_path(mask_path: Path) -> Path:
    """Return where the newest table of a mask is kept: beside it."""
    return mask_path.with_name(f"{mask_path.name.split('.ome.')[0]}.measures.csv")


def measure_mask(
    mask_path: Path, source: SlideSource, folder: Path
) -> Iterator[Progress]:
    """Measure a mask, with shares of the tissue, and keep the table beside it.

    Parameters
    ----------
    mask_path : Path
        The mask; it may be open for writing elsewhere.
    source : SlideSource
        Its slide.
    folder : Path
        Results folder of the slide, where its tissue may be saved.

    Yields
    ------
    Progress
        As tiles are measured.

    Raises
    ------
    StoreError, JournalError
        If the mask cannot be read, or the table not be written.
    SlideReadError
        If the slide cannot be read.
    """
    with closing(source.open()) as slide:
        tissue = saved_or_found(slide, folder)
    with MaskStore.open(mask_path, read_only=True) as mask:
        measuring = Measuring(mask, tissue)
        yield from measuring.run()
        write_csv(measuring.rows(), table_path(mask_path))


def read_table(mask_path: Path) -> tuple[MeasuredClass, ...]:
    """Return the newest table of a mask; empty where it was never measured.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    path = table_path(mask_path)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(_measured(row) for row in csv.DictReader(file))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(
            f"{path} cannot be read as a table of measures ({error}); measure again"
        ) from error


def save_table(mask_path: Path, out: Path) -> None:
    """Write the newest table of a mask to another place, all its columns.

    Raises
    ------
    StoreError
        If there is none, or it cannot be written there.
    """
    path = table_path(mask_path)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read; measure the mask first") from error
    with written_whole(out) as temporary:
        temporary.write_bytes(text)


def _measured(row: dict[str, str]) -> MeasuredClass:
    area, share = row["area_mm2"], row["share_of_tissue"]
    return MeasuredClass(
        row["name"],
        float(area) if area else None,
        float(share) if share else None,
        int(row["objects"]),
    )
