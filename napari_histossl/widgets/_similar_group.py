"""Find what looks like this: point at tissue, and what is like it lights up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.geometry import Box
from napari_histossl.panels.attention import AttentionChoice
from napari_histossl.panels.embeddings import Wanted
from napari_histossl.panels.similar import PatchPicture, Searched
from napari_histossl.panels.worklist import Worklist
from napari_histossl.widgets._form import button, note
from napari_histossl.widgets._key_table import END_POINTING
from napari_histossl.widgets._keys import bind_on_page
from napari_histossl.widgets._overlays_classes import ClassOverlay
from napari_histossl.widgets._overlays_texts import sentence
from napari_histossl.widgets._point_mouse import PointMouse
from napari_histossl.widgets._similar_answers import SimilarAnswers
from napari_histossl.widgets._similar_compute import ComputeEmbeddings
from napari_histossl.widgets._similar_files import EmbeddingFiles
from napari_histossl.widgets._similar_form import SimilarForm
from napari_histossl.widgets._similar_groups import SimilarGroups
from napari_histossl.widgets._similar_layer import SimilarLayer
from napari_histossl.widgets._similar_results import EDGE_PX, summary
from napari_histossl.widgets._similar_search import SimilarSearch
from napari_histossl.widgets._similar_slides import SimilarSlides
from napari_histossl.widgets._workbench import Workbench

NO_SLIDE = "Open a slide first."
NOTHING = "No embeddings of this slide yet: compute them, or import an .h5 file."
READY = "Turn on Point at tissue, then click a patch."
READING = "Reading embeddings …"
POINT = "Click a patch, or drag a box with Shift held down. Esc ends."
SEARCHING = "Searching …"
COMPUTING = "Computing; the slide can be searched when that is done."


class SimilarGroup(QWidget):
    """Embeddings of the slide, what looks like a place on it, groups, a map.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    choice : callable, optional
        Returns what is chosen on the page, for computing embeddings; by default the
        sample weights.
    classes : ClassOverlay, optional
        Shows clusters on the slide; by default one of its own.
    """

    def __init__(
        self,
        bench: Workbench,
        choice: Callable[[], AttentionChoice] = AttentionChoice,
        classes: ClassOverlay | None = None,
    ) -> None:
        super().__init__()
        self.bench = bench
        self._choice = choice
        self._classes = classes or ClassOverlay(bench)
        self._wanted = Wanted()
        self.slides, self.layer = SimilarSlides(bench), SimilarLayer(bench)
        self.search = SimilarSearch(self)
        self.mouse = PointMouse(bench, draws_boxes=True)
        self._build()
        self._connect()
        self._on_slide_changed()

    # ---- Building

    def _build(self) -> None:
        self.compute = ComputeEmbeddings(self.bench, self._chosen, self._told)
        self.form = SimilarForm(self.slides)
        self.find_button = button("Point at tissue", self._toggle)
        self.find_button.setCheckable(True)
        self._status = note()
        self.answers = SimilarAnswers(self.layer)
        self.groups = SimilarGroups(
            self.bench, self._classes, self._searched, self._path, self._told
        )
        self.files = EmbeddingFiles(self.bench, self._path, self._told)
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (
            self.form,
            self.compute,
            self.find_button,
            self._status,
            self.answers,
            self.groups,
            self.files,
        ):
            column.addWidget(widget)

    def _connect(self) -> None:
        bench, search = self.bench, self.search
        bench.slide_changed.connect(self._on_slide_changed)
        bench.slide_renamed.connect(self._on_renamed)
        bench.closing.connect(self._on_closing)
        self.form.changed.connect(self._on_chosen)
        self.form.count_changed.connect(self._ask_again)
        self.compute.started.connect(lambda: self._say(COMPUTING))
        self.compute.finished.connect(self.form.refresh)
        self.files.imported.connect(self.form.refresh)
        self.mouse.clicked.connect(lambda y, x: self._ask(Wanted(point_px0=(y, x))))
        self.mouse.boxed.connect(lambda box: self._ask(Wanted(box_px0=box)))
        self.mouse.escaped.connect(self.end)
        search.opened.connect(self._on_opened)
        search.found.connect(self._on_found)
        search.pictured.connect(self._on_pictured)
        search.illustrated.connect(self.answers.results.set_picture)
        search.failed.connect(self._say)
        self.answers.results.chosen.connect(self.go_to)
        self.answers.cleared.connect(self.clear)
        bind_on_page(self, {END_POINTING.name: self.end})

    def follow_worklist(
        self, worklist: Callable[[], Worklist | None], go_to: Callable[[int], bool]
    ) -> None:
        """Search the list of slides too, where one is open, and open its slides."""
        self.slides.follow(worklist, go_to)
        self.form.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """List what there is now: a run or another program may have made some."""
        super().showEvent(event)
        self.form.refresh()

    # ---- What there is

    def _chosen(self) -> AttentionChoice:
        made = self._choice()
        made.workspace, made.extent, made.name = self.bench.workspace, "slide", ""
        return made

    def _told(self, text: str) -> str:
        return sentence(self.slides.told(text))  # a capital would hide a name

    def _path(self) -> Path | None:
        name = self.form.name
        return None if name is None else self.slides.path(name)

    def _searched(self) -> list[Searched]:
        name, whole = self.form.name, self.form.is_whole_list
        return [] if name is None else self.slides.searched(name, whole_list=whole)

    def _on_chosen(self) -> None:
        """Show what can be done with the embeddings that are chosen."""
        if self.search.searched and self._searched() != self.search.searched:
            self.clear()
        self.find_button.setEnabled(self.form.name is not None)
        self.groups.refresh()
        self.files.refresh()
        if self.mouse.is_on and self.form.name is not None:
            self._open()
        elif self.search.result is None:
            self._rest()

    def _rest(self) -> None:
        is_open = self.bench.shown is not None
        has_some = self.form.name is not None
        self._say(NO_SLIDE if not is_open else READY if has_some else NOTHING)

    def _say(self, text: str) -> None:
        self.answers.set_enabled(self.search.result is not None)
        self._status.setText(self._told(text))

    # ---- The slide

    def _on_slide_changed(self) -> None:
        """Go on with a search over a list; forget that of another slide."""
        if self.bench.shown is None:
            self.mouse.stop()
            return
        was_on = self.find_button.isChecked()
        self.mouse.stop()
        if self.slides.in_view(self.search.searched) is None:
            self.clear()
        self.form.refresh()
        if was_on and self.form.name is not None:
            self.mouse.start()
        else:
            self.end()
        self._draw_heat()

    def _on_renamed(self) -> None:
        self.form.refresh()
        if self.search.result is not None:
            self._list_results()

    def _on_closing(self) -> None:
        self.search.close()
        self.mouse.stop()

    # ---- Asking

    def _toggle(self) -> None:
        if not self.find_button.isChecked():
            self.end()
            return
        self.mouse.start()
        self._open()

    def end(self) -> None:
        """Lay the pointer aside; results stay."""
        self.find_button.setChecked(False)
        self.mouse.stop()
        if self.search.result is None:
            self._rest()

    def clear(self) -> None:
        """Take results and heat map off."""
        self.search.close()
        self.mouse.clear_box()
        self.answers.clear()
        self._rest()
        if self.mouse.is_on:
            self._open()

    def _open(self) -> None:
        self._say(READING)
        self.search.open(self._searched())

    def _on_opened(self) -> None:
        if self.mouse.is_on and self.search.result is None:
            self._say(POINT)

    def _ask(self, wanted: Wanted) -> None:
        part = self.slides.in_view(self.search.searched)
        if part is None or self.search.search is None:
            return
        self._wanted = replace(wanted, part=part, count=self.form.count)
        self._say(SEARCHING)
        self.search.find(self._wanted)

    def _ask_again(self) -> None:
        """Find more or fewer of the same."""
        if self.search.result is not None:
            self._wanted = replace(self._wanted, count=self.form.count)
            self.search.find(self._wanted)

    # ---- Answers

    def _on_found(self) -> None:
        self.answers.heat.setChecked(True)
        self._list_results()
        self._draw_heat()
        found = self.search.result
        assert found is not None
        is_in_view = found.query.part == self.slides.in_view(self.search.searched)
        if found.asked_px0 is not None and is_in_view:
            self.mouse.show_box(found.asked_px0)
        parts = {match.part for match in found.matches}
        for part in sorted(parts):
            source = self.slides.source(self.search.searched[part])
            self.search.illustrate(part, source, EDGE_PX)

    def _list_results(self) -> None:
        found = self.search.result
        assert found is not None
        self.answers.fill(found, self.search.searched, self.slides.name)
        self._say(summary(found, is_list=len(self.search.searched) > 1))

    def _draw_heat(self) -> None:
        part = self.slides.in_view(self.search.searched)
        if part is not None:
            self.search.picture(part)

    def _on_pictured(self, part: int, picture: PatchPicture) -> None:
        if part == self.slides.in_view(self.search.searched):
            self.answers.show_heat(picture)

    def go_to(self, index: int) -> None:
        """Bring a result into view, its slide first if it is another one."""
        found = self.search.result
        if found is None or index >= len(found.matches):
            return
        match = found.matches[index]
        box: Box = match.box_px0
        if self.slides.open(self.search.searched[match.part]):
            self.answers.heat.setChecked(False)  # the tissue is what one goes there for
            self.layer.go_to(box)
