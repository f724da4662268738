"""What else the Overlays page offers, each in a group that is folded at first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from qtpy.QtWidgets import QWidget
from superqt import QCollapsible

from napari_histossl.panels.worklist import Worklist
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._overlays_classes import ClassOverlay
from napari_histossl.widgets._overlays_form import RunForm
from napari_histossl.widgets._point_group import PointGroup
from napari_histossl.widgets._similar_group import SimilarGroup
from napari_histossl.widgets._weak_group import WeakGroup
from napari_histossl.widgets._workbench import Workbench


@runtime_checkable
class FollowsWorklist(Protocol):
    """A group that looks beyond the slide in view."""

    def follow_worklist(
        self, worklist: Callable[[], Worklist | None], go_to: Callable[[int], bool]
    ) -> None:
        """Take the list of slides, where one is open, and how its slides are opened."""


def groups(
    bench: Workbench, overlay: OverlayLayer, classes: ClassOverlay, form: RunForm
) -> dict[str, QWidget]:
    """Return the groups by title, in the order in which they stand.

    Each one is a widget of its own; one that has `FollowsWorklist` gets the worklist.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    overlay : OverlayLayer
        The overlay of numbers on the slide.
    classes : ClassOverlay
        The overlay of classes on the slide.
    form : RunForm
        What is chosen on the page.
    """
    return {
        "Attention from a point": PointGroup(bench, overlay, form.choice),
        "Find what looks like this": _similar(bench, classes, form),
        "Weak supervision": WeakGroup(bench),
    }


def _similar(bench: Workbench, classes: ClassOverlay, form: RunForm) -> SimilarGroup:
    """Return what searches; a price that it has told holds for its weights only."""
    made = SimilarGroup(bench, form.choice, classes)
    form.weights.changed.connect(made.compute.forget)
    return made


def folded(title: str, group: QWidget) -> QCollapsible:
    """Put a group below a title; a click on that opens and closes it."""
    made = QCollapsible(title)
    made.layout().setContentsMargins(0, 0, 0, 0)
    made.layout().setSpacing(0)
    made.content().layout().setContentsMargins(4, 6, 4, 0)
    made.addWidget(group)
    made.collapse(animate=False)
    return made
