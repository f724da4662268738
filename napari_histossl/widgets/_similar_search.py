"""Searches in threads, so that the window never waits for a disk or for numbers."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_histossl.errors import HistoSSLError
from napari_histossl.metrics.search import EmbeddingSearch
from napari_histossl.panels.embeddings import Wanted, open_search
from napari_histossl.panels.similar import (
    Found,
    Searched,
    heat_picture,
    look_for,
    thumbnails,
)
from napari_histossl.slide import SlideSource
from napari_histossl.widgets._worker import BackgroundReads


class SimilarSearch(QObject):
    """One search over some slides, and what it has found last.

    Attributes
    ----------
    opened : Signal
        The embeddings are in memory.
    found : Signal
        Patches were found; see `result`.
    pictured : Signal of (int, PatchPicture)
        How similar every patch of a slide is.
    illustrated : Signal of (int, ndarray)
        The small picture of a match.
    failed : Signal of str
        A sentence: what could not be done.
    """

    opened = Signal()
    found = Signal()
    pictured = Signal(int, object)
    illustrated = Signal(int, object)
    failed = Signal(str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.searched: list[Searched] = []
        self.search: EmbeddingSearch | None = None
        self.result: Found | None = None
        self._turn = 0
        self._finding, self._looking = BackgroundReads(self), BackgroundReads(self)
        self._finding.answered.connect(self._on_answered)
        self._looking.answered.connect(self._on_answered)

    def open(self, searched: list[Searched]) -> None:
        """Read embeddings, unless that has been done."""
        if searched == self.searched and self.search is not None:
            self.opened.emit()
            return
        self.close()
        self.searched = searched
        paths = [one.embeddings for one in searched]
        self._finding.ask(("open", self._turn), partial(open_search, paths))

    def close(self) -> None:
        """Forget everything; what is under way does not count any more."""
        self._turn += 1
        self._finding.drop()
        self._looking.drop()
        self.searched, self.search, self.result = [], None, None

    def find(self, wanted: Wanted) -> None:
        """Find what looks like a place; the newest question counts."""
        if self.search is not None:
            self._looking.drop()
            call = partial(look_for, self.search, wanted)
            self._finding.ask(("find", self._turn), call)

    def picture(self, part: int) -> None:
        """Draw how similar the patches of a slide are to what was looked for."""
        if self.search is not None and self.result is not None:
            call = partial(heat_picture, self.search, self.result, part)
            self._finding.ask(("picture", self._turn), lambda: (part, call()))

    def illustrate(self, part: int, slide: SlideSource | Any, edge_px: int) -> None:
        """Read small pictures of the matches on a slide."""
        result = self.result
        if result is None:
            return
        wanted = [i for i, match in enumerate(result.matches) if match.part == part]
        boxes = [result.matches[index].box_px0 for index in wanted]

        def read() -> Any:
            return result, wanted, thumbnails(slide, boxes, edge_px)

        self._looking.ask(("illustrate", self._turn, part), read)

    def _on_answered(self, name: Any, answer: Any) -> None:
        if name[1] != self._turn:
            return
        if isinstance(answer, HistoSSLError):
            self.failed.emit(str(answer))
        elif name[0] == "open":
            self.search = answer
            self.opened.emit()
        elif name[0] == "find":
            self.result = answer
            self.found.emit()
        elif name[0] == "picture":
            self.pictured.emit(*answer)
        elif answer[0] is self.result:
            for index, picture in zip(*answer[1:], strict=True):
                self.illustrated.emit(index, picture)
