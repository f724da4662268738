"""Which objects are reviewed: of which labels, and against which second model."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_histossl.panels.review import (
    ReviewPlan,
    ReviewSource,
    list_path,
    list_sources,
    resolve,
)
from napari_histossl.widgets._form import button, combo, form
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._workbench import Workbench


class ReviewForm(QWidget):
    """Chooses what is listed.

    Parameters
    ----------
    bench : Workbench
        Knows the slide in view and its results.

    Attributes
    ----------
    asked : Signal
        The list is to be made.
    """

    asked = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self.sources, self.second = combo(), combo()
        self.second.setToolTip(
            "Objects are also listed by the share on which this one says otherwise"
        )
        self.list_button = button(
            "List the objects", self.asked.emit, "The whole mask, most uncertain first"
        )
        rows = form()
        rows.addRow("Objects of", self.sources)
        rows.addRow("Compared with", self.second)
        rows.addRow("", self.list_button)
        self.setLayout(rows)

    @property
    def source(self) -> ReviewSource | None:
        """What is chosen."""
        chosen: ReviewSource | None = self.sources.currentData()
        return chosen

    def refresh(self) -> None:
        """List the results of the slide in view."""
        shown = self._bench.shown
        found = [] if shown is None else list_sources(shown.folder)
        chosen, second = self.source, self.second.currentData()
        self.sources.clear()
        for source in found:
            self.sources.addItem(source.title, source)
        if chosen in found:
            self.sources.setCurrentIndex(found.index(chosen))
        models = [source for source in found if source.labels is not None]
        self.second.clear()
        self.second.addItem("no second model", None)
        for source in models:
            self.second.addItem(source.title, source)
        if second in models:
            self.second.setCurrentIndex(1 + models.index(second))

    def choose(self, title: str) -> ReviewSource | None:
        """Choose by title; return what it is, or None where there is none."""
        place = self.sources.findText(title)
        if place < 0:
            return None
        self.sources.setCurrentIndex(place)
        return self.source

    def plan(self, session: MaskSession) -> ReviewPlan:
        """Return the plan of the list.

        Raises
        ------
        PlanError, StoreError
            If there are no such labels.
        """
        shown, second = self._bench.shown, self.second.currentData()
        assert shown is not None  # a mask is open
        assert self.source is not None  # one is always there
        return resolve(
            session.store,
            self.source,
            shown.slide.levels[0].shape,
            second=None if second is None else second.labels,
        )

    def stored(self, session: MaskSession) -> bool:
        """Whether a list of some source was made for a mask before."""
        source = self.source
        return source is not None and list_path(session.path, source).exists()
