"""Annotations of other programs into a mask, without a window."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate.formats import Shapes, files, painting, rasters
from napari_histossl.classes import DEFAULT_CLASSES, ClassTable, Origin
from napari_histossl.jobs import Progress
from napari_histossl.panels.correct import MaskPlan, new_or_unfinished


@dataclass(frozen=True, slots=True)
class ImportChoice:
    """What to read, and what its classes mean.

    Attributes
    ----------
    file : Path
        ``.geojson`` or ``.json`` of QuPath, ``.xml`` of ASAP; for a new mask also a
        picture of labels, ``.png`` or PANDA's ``.tiff``.
    meaning : mapping of str to str
        Names in the file, and the class that each means; see `painting.assign`.
    unknown : {"refuse", "skip"}
        What to do with shapes of classes that the mask does not have.
    origin : Origin
        `Origin.HUMAN` for what a person drew, `Origin.MODEL` for a proposal.
    author : str or None
        Who imports it; None for the login name.
    classes : ClassTable
        Classes of a new mask, which are what the values of a picture mean.
    """

    file: Path
    meaning: Mapping[str, str] = field(default_factory=dict)
    unknown: Literal["refuse", "skip"] = "refuse"
    origin: Origin = Origin.HUMAN
    author: str | None = None
    classes: ClassTable = DEFAULT_CLASSES


def import_into(
    mask_path: Path, choice: ImportChoice, remarks: list[str]
) -> Iterator[Progress]:
    """Paint the shapes of a file into a mask that exists.

    Parameters
    ----------
    mask_path : Path
        The mask.
    choice : ImportChoice
        What to read.
    remarks : list of str
        Receives a sentence for each kind of thing that was skipped or mended.

    Yields
    ------
    Progress
        As tiles are painted; each is one step of the journal.

    Raises
    ------
    AnnotationError, ClassTableError
        If the file is not what it should be, or has classes that the mask does not.
    StoreError, JournalError
        If the mask cannot be written.
    """
    with MaskStore.open(mask_path) as mask:
        height, width = mask.shape
        extent = (
            math.ceil(height * mask.downsample),
            math.ceil(width * mask.downsample),
        )
        shapes = files.read(choice.file, extent_px0=extent)
        yield from _paint(mask, shapes, choice, remarks)


def import_as_new(
    plan: MaskPlan,
    slide_shape: tuple[int, int],
    choice: ImportChoice,
    remarks: list[str],
) -> Iterator[Progress]:
    """Make a mask with certain classes and those of a file, and paint its shapes.

    A picture of labels is what the mask starts from; it is no step that can be undone.

    Parameters
    ----------
    plan : MaskPlan
        Where and how large, from `panels.correct.resolve`.
    slide_shape : tuple of int
        Height and width of the slide at level 0.
    choice, remarks
        As for `import_into`; classes without a meaning become classes of the mask.

    Yields
    ------
    Progress
        As tiles are painted.

    Raises
    ------
    AnnotationError, ClassTableError
        If the file is not what it should be.
    StoreError, SlideOpenError, JournalError
        If a picture cannot be read, or the mask not be written.

    Notes
    -----
    On an error, or when it is stopped, no mask is left behind. After a kill the same
    picture goes on where it ended.
    """
    if rasters.is_raster(choice.file):
        facts = _facts(plan, choice)
        with (
            rasters.RasterLabels(choice.file, plan.shape) as labels,
            _whole_or_none(plan, choice, choice.classes) as mask,
        ):
            yield from mask.seed(labels, origin=choice.origin, provenance=facts)
        return
    shapes = files.read(choice.file, extent_px0=slide_shape)
    others = tuple(s for s in shapes if s.class_name not in choice.meaning)
    classes = painting.extended(choice.classes, Shapes(others))
    painting.assign(shapes, classes, meaning=choice.meaning, unknown=choice.unknown)
    with _whole_or_none(plan, choice, classes) as mask:
        yield from _paint(mask, shapes, choice, remarks)


def import_and_tell(mask_path: Path, choice: ImportChoice) -> Iterator[Progress]:
    """Do as `import_into`; the last record says all remarks, for another process."""
    remarks: list[str] = []
    yield from import_into(mask_path, choice, remarks)
    yield Progress(1, 1, message=". ".join(remarks))


def import_new_and_tell(
    plan: MaskPlan, slide_shape: tuple[int, int], choice: ImportChoice
) -> Iterator[Progress]:
    """Do as `import_as_new`; the last record says all remarks, as above."""
    remarks: list[str] = []
    yield from import_as_new(plan, slide_shape, choice, remarks)
    yield Progress(1, 1, message=". ".join(remarks))


def _facts(plan: MaskPlan, choice: ImportChoice) -> dict[str, str]:
    return {"slide": plan.slide_name, "imported": choice.file.name}


@contextmanager
def _whole_or_none(
    plan: MaskPlan, choice: ImportChoice, classes: ClassTable
) -> Iterator[MaskStore]:
    """Give a new mask, which is deleted again if what follows fails or is stopped."""
    is_new = not plan.path.exists()
    with new_or_unfinished(plan, classes, _facts(plan, choice)) as mask:
        try:
            yield mask
        except BaseException:
            if is_new:
                mask.discard()
            raise


def _paint(
    mask: MaskStore, shapes: Shapes, choice: ImportChoice, remarks: list[str]
) -> Iterator[Progress]:
    assignment = painting.assign(
        shapes, mask.classes, meaning=choice.meaning, unknown=choice.unknown
    )
    remarks += [*shapes.remarks, *assignment.remarks]
    yield from painting.paint(
        mask, shapes, assignment, origin=choice.origin, author=choice.author
    )
    painted = int((assignment.indices >= 0).sum())
    remarks.append(f"painted {painted} of {len(shapes)} shapes")
