"""Before a slide without coarse levels is shown: read it once, seen and stoppable."""

from __future__ import annotations

import threading

import napari
from qtpy.QtCore import QEventLoop, Qt, QTimer
from qtpy.QtWidgets import QApplication, QMainWindow, QProgressDialog, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.napari_io.layers import METADATA_KEY, LayerTuple
from napari_histossl.napari_io.panda import BROUGHT
from napari_histossl.napari_io.reader import Reader
from napari_histossl.slide import Slide
from napari_histossl.slide.tiles import TileSource, open_tiles
from napari_histossl.widgets._worker import BackgroundReads

_POLL_MS = 100


class OpeningStopped(HistoSSLError, RuntimeError):
    """A person did not want to wait for a slide's overview."""


def make_overview(slide: Slide, name: str) -> None:
    """Make the overview of a slide that has none in its file, with a progress bar.

    Parameters
    ----------
    slide : Slide
        Keeps the overview for all who show it. Nothing is done where the file has
        coarse levels.
    name : str
        What people may call it.

    Raises
    ------
    OpeningStopped
        If the person stopped it.
    SlideReadError
        If the file does not answer or was changed.

    Notes
    -----
    Whoever shows a layer asks for its coarsest level first and waits for it. The
    pixels are read in a thread here, while the windows stay alive.
    """
    with open_tiles(slide) as tiles:
        done, total = tiles.prepared()
        if done < total:
            _Waiting(tiles, name).run()


def with_overviews(read: Reader) -> Reader:
    """Return a reader that makes overviews before napari asks for them."""

    def read_and_prepare(path: str | list[str]) -> list[LayerTuple]:
        layers = [layer for layer in read(path) if not _is_there(layer)]
        for _data, options, _kind in layers:
            facts = options["metadata"][METADATA_KEY]
            if facts["kind"] == "slide":
                make_overview(facts["tiles"], options["name"])
        return layers

    return read_and_prepare


def _is_there(layer: LayerTuple) -> bool:
    """Tell whether a slide that a mask brought along is in the window already."""
    facts = layer[1]["metadata"][METADATA_KEY]
    viewer = napari.current_viewer()
    if not facts.get(BROUGHT) or viewer is None:
        return False
    shown = (other.metadata.get(METADATA_KEY, {}) for other in viewer.layers)
    return any(
        one.get("kind") == "slide" and one.get("source") == facts["source"]
        for one in shown
    )


class _Waiting(QProgressDialog):
    """The bar, and the wait for its end."""

    def __init__(self, tiles: TileSource, name: str) -> None:
        height, width = tiles.levels[0].shape
        super().__init__(
            f"{name} has {width:,} x {height:,} pixels and no smaller levels.\n"
            f"All of it is read once to make an overview.",
            "Stop",
            0,
            tiles.prepared()[1],
            _main_window(),
        )
        self.setWindowTitle("Opening a slide")
        self.setWindowModality(Qt.WindowModality.ApplicationModal)
        self.setAutoClose(False)
        self.setAutoReset(False)
        self.setMinimumDuration(0)
        self.setMinimumWidth(420)
        self._tiles, self._name = tiles, name
        self._loop, self._stop = QEventLoop(), threading.Event()
        self.canceled.connect(self._stop.set)
        self._answer: object = None
        self._is_answered = False
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_answer)
        self._poll = QTimer(self)
        self._poll.setInterval(_POLL_MS)
        self._poll.timeout.connect(lambda: self.setValue(tiles.prepared()[0]))

    def run(self) -> None:
        """Wait until everything is read, or the person has stopped it."""
        self._reads.ask("overview", self._read)
        self._poll.start()
        self.setValue(0)
        if not self._is_answered:  # showing a value lets events be handled
            self._loop.exec()
        self._poll.stop()
        self.hide()
        self.deleteLater()
        if isinstance(self._answer, HistoSSLError):
            raise self._answer
        if self._stop.is_set():
            raise OpeningStopped(
                f"{self._name} was not opened: reading it was stopped; open it again "
                f"and wait for the end to see it"
            )

    def _read(self) -> None:
        for _ in self._tiles.prepare():
            if self._stop.is_set():
                return

    def _on_answer(self, _name: object, answer: object) -> None:
        self._answer, self._is_answered = answer, True
        self._loop.quit()


def _main_window() -> QWidget | None:
    """Return the window that the bar lies on and takes its looks from."""
    windows = QApplication.topLevelWidgets()
    shown = [one for one in windows if isinstance(one, QMainWindow) and one.isVisible()]
    return QApplication.activeWindow() or next(iter(shown), None)
