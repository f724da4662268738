"""Annotations of other programs into a mask, without a window."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate.formats import Shapes, files, painting
from napari_histossl.classes import DEFAULT_CLASSES, Origin
from napari_histossl.jobs import Progress
from napari_histossl.panels.correct import MaskPlan


@dataclass(frozen=True, slots=True)
class ImportChoice:
    """What to read, and what its classes mean.

    Attributes
    ----------
    file : Path
        ``.geojson`` or ``.json`` of QuPath, ``.xml`` of ASAP.
    meaning : mapping of str to str
        Names in the file, and the class that each means; see `painting.assign`.
    unknown : {"refuse", "skip"}
        What to do with shapes of classes that the mask does not have.
    origin : Origin
        `Origin.HUMAN` for what a person drew, `Origin.MODEL` for a proposal.
    author : str or None
        Who imports it; None for the login name.
    """

    file: Path
    meaning: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    unknown: Literal["refuse", "skip"] = "refuse"
    origin: Origin = Origin.HUMAN
    author: str | None = None


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
    """Make a mask with the usual classes and those of a file, and paint its shapes.

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
        If the file is not what it should be; nothing is made then.
    StoreError, JournalError
        If the mask cannot be written.
    """
    shapes = files.read(choice.file, extent_px0=slide_shape)
    others = tuple(s for s in shapes if s.class_name not in choice.meaning)
    classes = painting.extended(DEFAULT_CLASSES, Shapes(others))
    painting.assign(shapes, classes, meaning=choice.meaning, unknown=choice.unknown)
    with MaskStore.create(
        plan.path,
        plan.shape,
        plan.mpp_yx,
        classes,
        provenance={"slide": plan.slide_name, "imported": choice.file.name},
        downsample=plan.downsample,
    ) as mask:
        yield from _paint(mask, shapes, choice, remarks)


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
