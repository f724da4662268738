"""The Overlays page: which model, where, how long; then every head on the slide."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtGui import QShowEvent

from napari_histossl.panels.worklist import Worklist
from napari_histossl.widgets._figure_export import FigureExport
from napari_histossl.widgets._figure_section import FigureSection
from napari_histossl.widgets._form import Page
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._overlays_classes import ClassOverlay
from napari_histossl.widgets._overlays_groups import FollowsWorklist, folded, groups
from napari_histossl.widgets._overlays_peek import Peek
from napari_histossl.widgets._overlays_region import Region
from napari_histossl.widgets._overlays_run_section import RunSection
from napari_histossl.widgets._overlays_shown import ShownSection
from napari_histossl.widgets._overlays_value import ValueReadout
from napari_histossl.widgets._workbench import Workbench


class OverlaysPage(Page):
    """Run a model on the slide in view and look at its heads.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    overlay : OverlayLayer
        The overlay of numbers on the slide.
    classes : ClassOverlay
        The overlay of classes on it; one of the two is shown at a time.
    runs : RunSection
        What to run, what it costs, the run.
    shown : ShownSection
        Which overlay is seen, and how.
    figure : FigureSection
        What is seen as a figure.
    groups : dict of str to QWidget
        What else there is, by title.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.overlay = OverlayLayer(bench)
        self.classes = ClassOverlay(bench)
        self.region = Region(bench)
        self.peek = Peek(bench)
        self.value = ValueReadout(self.overlay)
        self.runs = RunSection(bench, self.overlay, self.region)
        self.shown = ShownSection(bench, self.overlay, self.classes, self.peek)
        export = FigureExport(self.overlay, self.shown.controls)
        self.figure = FigureSection(bench, export, self.region)
        self.section("Attention").addWidget(self.runs)
        self.section("On the slide").addWidget(self.shown)
        self.section("Figure").addWidget(self.figure)
        self.groups = groups(bench, self.overlay, self.classes, self.runs.form)
        for title, group in self.groups.items():
            self._column.insertWidget(self._column.count() - 1, folded(title, group))
        self.peek.watch(self)

    def showEvent(self, event: QShowEvent) -> None:
        """Tell what a run would cost now, and the value under the mouse."""
        super().showEvent(event)
        self.value.show_in(self)
        self.runs.on_show()

    def follow_worklist(
        self, worklist: Callable[[], Worklist | None], go_to: Callable[[int], bool]
    ) -> None:
        """Take the list of slides, where one is open, and open its slides, there."""
        self.runs.follow_worklist(worklist)
        for group in self.groups.values():
            if isinstance(group, FollowsWorklist):
                group.follow_worklist(worklist, go_to)

    @property
    def is_busy(self) -> bool:
        """Whether a run goes on, or is about to start."""
        return self.runs.is_busy

    def run(self) -> None:
        """Run what is chosen; see `is_busy`."""
        self.runs.run()

    def open_newest(self) -> bool:
        """Show the overlay that was made last; return whether there is one."""
        return self.runs.open_newest()
