"""Which slides are searched, what they are called, and how to go to one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_histossl.panels.similar import Searched, embeddings_of_list
from napari_histossl.panels.worklist import Worklist
from napari_histossl.slide import SlideSource
from napari_histossl.store.paths import list_embeddings
from napari_histossl.widgets._masking import masked, names_of
from napari_histossl.widgets._workbench import Workbench


class SimilarSlides:
    """The slide in view, and the worklist where one is open.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._list: Callable[[], Worklist | None] = lambda: None
        self._open: Callable[[int], bool] = lambda _index: False

    def follow(
        self, worklist: Callable[[], Worklist | None], go_to: Callable[[int], bool]
    ) -> None:
        """Take the list of slides from there, and open its slides there."""
        self._list, self._open = worklist, go_to

    # ---- Which

    def names(self) -> list[str]:
        """Return the embeddings of the slide in view by name, the newest first."""
        shown = self._bench.shown
        paths = [] if shown is None else list_embeddings(shown.folder)
        paths.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        return [path.name.removesuffix(".zarr") for path in paths]

    def path(self, name: str) -> Path | None:
        """Return where embeddings of the slide in view lie."""
        shown = self._bench.shown
        return None if shown is None else shown.folder / "embeddings" / f"{name}.zarr"

    def searched(self, name: str, *, whole_list: bool) -> list[Searched]:
        """Return the slides that have embeddings of a name."""
        worklist, path = self._list(), self.path(name)
        if path is None:
            return []
        if not whole_list or worklist is None:
            return [Searched(path)]
        slides = [entry.path for entry in worklist.entries if entry.problem is None]
        # by name: the order does not change when names are masked
        found = embeddings_of_list(sorted(slides), name, self._bench.workspace)
        is_listed = any(one.embeddings == path for one in found)
        return found if is_listed else [Searched(path), *found]

    @property
    def list_length(self) -> int:
        """How many slides the worklist has; 0 where none is open."""
        worklist = self._list()
        return 0 if worklist is None else len(worklist.entries)

    def in_view(self, searched: list[Searched]) -> int | None:
        """Return which of some slides is in view."""
        shown = self._bench.shown
        for part, one in enumerate(searched):
            if shown is not None and shown.folder in one.embeddings.parents:
                return part
        return None

    # ---- Names and places

    def name(self, one: Searched) -> str:
        """Return what people may call a slide now."""
        index = self._index(one)
        worklist, shown = self._list(), self._bench.shown
        if worklist is not None and index is not None:
            return worklist.name(index)
        return "this slide" if shown is None else shown.name

    def told(self, text: str) -> str:
        """Return a text without names that are masked."""
        hidden, worklist = self._bench.hidden_names, self._list()
        if worklist is not None and worklist.is_masked:
            for index, entry in enumerate(worklist.entries):
                hidden |= names_of(entry.path, worklist.name(index))
        return masked(text, hidden)

    def source(self, one: Searched) -> SlideSource | Path:
        """Return from where pixels of a slide are read."""
        shown = self._bench.shown
        if shown is not None and shown.folder in one.embeddings.parents:
            return shown.source
        assert one.slide is not None
        return one.slide

    def open(self, one: Searched) -> bool:
        """Bring a slide into view; return whether it is."""
        shown, index = self._bench.shown, self._index(one)
        if shown is not None and shown.folder in one.embeddings.parents:
            return True
        return index is not None and self._open(index)

    def _index(self, one: Searched) -> int | None:
        worklist = self._list()
        for index, entry in enumerate([] if worklist is None else worklist.entries):
            if entry.path == one.slide:
                return index
        return None
