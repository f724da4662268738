"""What else the Overlays page offers, each in a group that is folded at first."""

from __future__ import annotations

from qtpy.QtWidgets import QWidget
from superqt import QCollapsible

from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._overlays_form import RunForm
from napari_histossl.widgets._point_group import PointGroup
from napari_histossl.widgets._workbench import Workbench


def groups(
    bench: Workbench, overlay: OverlayLayer, form: RunForm
) -> list[tuple[str, QWidget]]:
    """Return title and widget of every group, in the order in which they stand.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    overlay : OverlayLayer
        The overlay on the slide.
    form : RunForm
        What is chosen on the page.
    """
    return [("Attention from a point", PointGroup(bench, overlay, form.choice))]


def folded(title: str, group: QWidget) -> QCollapsible:
    """Put a group below a title; a click on that opens and closes it."""
    made = QCollapsible(title)
    made.addWidget(group)
    made.collapse(animate=False)
    return made
