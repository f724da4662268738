"""What is written down about maps of classes, and read again when they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_histossl.classes import ClassTable
from napari_histossl.overlays.plan import RunPlan

SEGMENTATION, CLASS_MAPS = "segmentation", "class-maps"
"""Kinds of run."""

LEARNED = "learned"
"""Kind of an overlay that a head made of stored tokens."""

PROBABILITY, CAM = "class probability", "class activation"
"""What the values of a pyramid of maps are."""

LAST = "cam"
"""In the place of a layer: class activation of the last map, without gradients."""

_OF_ATTENTION = ("values", "unit", "block")
"""Parameters of a plan that mean nothing here, or are said better."""

_OF_MACHINE = ("classifier_weights", "labels", "folder", "stem")
"""Options that the numbers do not depend on: the hash says which weights."""


def class_parameters(
    plan: RunPlan, shows: str, meaning: str, **more: Any
) -> dict[str, Any]:
    """Return what maps depend on besides slide and weights; JSON values.

    Parameters
    ----------
    plan : RunPlan
        The run.
    shows : str
        `PROBABILITY` or `CAM`, or what labels are made of.
    meaning : str
        What the numbers mean, in a sentence for people.
    **more
        What else they depend on.
    """
    left_out = (*_OF_ATTENTION, *_OF_MACHINE)
    told = {k: v for k, v in plan.parameters.items() if k not in left_out}
    return {
        **told,
        "shows": shows,
        "values": meaning,
        "unit": shows,
        "full_scale": 1.0,
        "classes": classes_of(plan).to_json(),
        **more,
    }


def map_path(folder: str | Path, stem: str, part: str) -> Path:
    """Return where one overlay of several lies that a run writes side by side."""
    return Path(folder) / f"{stem} {part}.ome.zarr"


def classes_of(plan: RunPlan) -> ClassTable:
    """Return the classes of a plan's model; its maker sees to it that it has some."""
    classes = plan.spec.classes
    assert classes is not None
    return classes


def told_classes(provenance: Mapping[str, Any]) -> ClassTable | None:
    """Return the classes that a pyramid of maps says it has, or None.

    Raises
    ------
    ClassTableError
        If they contradict themselves.
    """
    told = (provenance.get("parameters") or {}).get("classes")
    return None if told is None else ClassTable.from_json(told)
