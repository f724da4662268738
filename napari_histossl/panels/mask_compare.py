"""Two masks of a slide beside each other: numbers, and a list of where they differ."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate.compare import ClassAgreement, Comparing
from napari_histossl.errors import PlanError, StoreError
from napari_histossl.jobs import Progress
from napari_histossl.panels.class_reference import ReferenceMask
from napari_histossl.panels.review import ReviewPlan, find_objects
from napari_histossl.panels.review_planes import ReferencePlane
from napari_histossl.store.whole import written_whole


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a mask and a second one agree.

    Attributes
    ----------
    reference : str
        Name of the second mask.
    kappa : float
        Of all classes, what is unlabelled included; NaN where chance explains all.
    rows : tuple of ClassAgreement
        For each class.
    """

    reference: str
    kappa: float
    rows: tuple[ClassAgreement, ...]


def agreement_path(mask_path: Path) -> Path:
    """Return where the numbers of the last comparison are kept."""
    name = mask_path.name.removesuffix(".ome.zarr")
    return mask_path.with_name(f"{name}.agreement.json")


def compare_masks(plan: ReviewPlan) -> Iterator[Progress]:
    """Compare a mask with a second one, and list where they differ; a job.

    Parameters
    ----------
    plan : ReviewPlan
        Of differences; see `review.difference_from`.

    Yields
    ------
    Progress
        After each tile: first the numbers, at full scale, then the list.

    Raises
    ------
    PlanError, StoreError, AnnotationError
        If the second mask is of another size than the slide or shares no class with the
        first, or something cannot be read or written.
    """
    reference = plan.source.reference
    if reference is None:
        raise PlanError("no second mask is chosen; choose one to compare with")
    with MaskStore.open(plan.mask_path, read_only=True) as mask:
        second = ReferenceMask.open(reference, mask.classes, plan.slide_shape)
        comparing = Comparing(mask, ReferencePlane(second, mask))
        yield from comparing.run()
    made = Agreement(reference.name, comparing.confusion().kappa, comparing.rows())
    save_agreement(made, agreement_path(plan.mask_path))
    yield from find_objects(plan)


def save_agreement(agreement: Agreement, path: Path) -> None:
    """Write numbers; the file is whole or as it was before.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    told = asdict(agreement)
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(told), encoding="utf-8")


def load_agreement(path: Path) -> Agreement | None:
    """Read numbers; None where there are none.

    Raises
    ------
    StoreError
        If they cannot be read.
    """
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        names = [field.name for field in fields(ClassAgreement)]
        rows = tuple(
            ClassAgreement(**{name: row[name] for name in names})
            for row in told["rows"]
        )
        return Agreement(str(told["reference"]), float(told["kappa"]), rows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"the comparison {path} cannot be read ({error}); compare again"
        ) from error


def said(agreement: Agreement) -> str:
    """Return the whole of it in a sentence."""
    kappa = "not defined" if math.isnan(agreement.kappa) else f"{agreement.kappa:.3f}"
    return (
        f"Against {agreement.reference.removesuffix('.ome.zarr')}: kappa of all "
        f"classes, unlabelled included, {kappa}."
    )
