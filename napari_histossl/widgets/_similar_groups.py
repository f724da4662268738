"""Groups of patches that look alike, on the slide and as a map."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QPixmap
from qtpy.QtWidgets import QDialog, QLabel, QSpinBox, QVBoxLayout, QWidget

from napari_histossl.jobs import Job, Progress
from napari_histossl.panels.embeddings_files import overlay_beside
from napari_histossl.panels.similar import Searched, cluster_job, map_job
from napari_histossl.widgets._form import RunBar, button, note, row
from napari_histossl.widgets._overlays_classes import ClassOverlay
from napari_histossl.widgets._workbench import Workbench

_MAP_PX = 300
"""Width of the map in the dock; a click shows it large."""

_WINDOW_PX = 900


class SimilarGroups(QWidget):
    """Clusters of the slide in view, and a map of all patches.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    classes : ClassOverlay
        Shows clusters on the slide.
    searched : callable
        Returns the slides that are searched, that in view among them.
    path : callable
        Returns the folder of the embeddings of the slide in view, or None.
    told : callable
        Returns a sentence as people may read it.
    """

    def __init__(
        self,
        bench: Workbench,
        classes: ClassOverlay,
        searched: Callable[[], list[Searched]],
        path: Callable[[], Path | None],
        told: Callable[[str], str],
    ) -> None:
        super().__init__()
        self.bench, self._classes = bench, classes
        self._searched, self._path, self._told = searched, path, told
        self._map: Path | None = None
        self._words = ""
        self._build()
        bench.slide_changed.connect(self._forget)
        bench.run_changed.connect(lambda _running: self.refresh())
        bench.worker.failed.connect(self._on_failed)
        bench.progressed.connect(self._on_progress)
        self._forget()

    def _build(self) -> None:
        self._count = QSpinBox()
        self._count.setRange(2, 255)
        self._count.setValue(8)
        self._count.setSuffix(" groups")
        self._clusters = button(
            "Clusters", self.cluster, "Patches that look alike, as labels on the slide"
        )
        self._draw = button(
            "UMAP picture", self.draw, "All patches: who is near whom looks alike"
        )
        self._run_bar = RunBar(self.bench.stop)
        self._said = note()
        self._picture = QLabel()
        self._picture.setCursor(Qt.CursorShape.PointingHandCursor)
        self._picture.setToolTip("Click to see it large")
        self._picture.mousePressEvent = lambda _event: self._enlarge()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row(self._count, self._clusters, self._draw))
        for widget in (self._run_bar, self._said, self._picture):
            column.addWidget(widget)

    def refresh(self) -> None:
        """Show what can be done now."""
        path = self._path()
        can = path is not None and path.is_dir() and not self.bench.worker.is_running
        self._clusters.setEnabled(can)
        self._draw.setEnabled(can)

    def _forget(self) -> None:
        self._picture.hide()
        self._say("")
        self.refresh()

    def _say(self, sentence: str) -> None:
        self._said.setText(self._told(sentence) if sentence else "")
        self._said.setVisible(bool(sentence))

    # ---- On the slide

    def cluster(self) -> None:
        """Group the patches of the slide in view, in the worker."""
        path = self._path()
        if path is None:
            return
        out = overlay_beside(path, f"clusters {path.name.removesuffix('.zarr')}")
        if self._classes.path == out:  # it is about to be written anew
            self._classes.take_off()
        count = self._count.value()
        self._run(
            lambda complete: self._on_clusters(out, complete),
            cluster_job, path, count, out,
        )  # fmt: skip

    def _on_clusters(self, out: Path, complete: bool) -> None:
        if not complete:
            return
        self._classes.show(out)
        if self._classes.classes is not None:
            self._say(
                "The largest group is cluster 1. What the colours mean stands above, "
                "under On the slide, with all overlays"
            )

    # ---- As a map

    def draw(self) -> None:
        """Lay out all patches of the slides that are searched, in the worker."""
        shown, searched = self.bench.shown, self._searched()
        if shown is None or not searched:
            return
        out = shown.folder / "embeddings" / f"{searched[0].embeddings.stem} map.png"
        self._run(
            lambda complete: self._on_map(out, complete),
            map_job, [one.embeddings for one in searched], out, self._count.value(),
        )  # fmt: skip

    def _on_map(self, out: Path, complete: bool) -> None:
        if complete and out.exists():
            self._map = out
            wide = Qt.TransformationMode.SmoothTransformation
            self._picture.setPixmap(QPixmap(str(out)).scaledToWidth(_MAP_PX, wide))
            self._picture.show()
            self._say("Near one another means alike; distances far apart mean little")

    def _enlarge(self) -> None:
        if self._map is None:
            return
        window = QDialog(self)
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.setWindowTitle("Patches that look alike lie near one another")
        picture = QLabel()
        smooth = Qt.TransformationMode.SmoothTransformation
        picture.setPixmap(QPixmap(str(self._map)).scaledToWidth(_WINDOW_PX, smooth))
        QVBoxLayout(window).addWidget(picture)
        window.show()

    # ---- Runs

    def _run(self, on_done: Callable[[bool], None], job: Job, *what: object) -> None:
        if self.bench.run(on_done, job, *what):
            self._run_bar.follow(self.bench)
            self._words = ""
            self._say("Starting …")
            self.refresh()

    def _on_progress(self, progress: Progress, _left_s: float | None) -> None:
        if self._run_bar.isVisibleTo(self) and progress.message:
            self._say(progress.message)

    def _on_failed(self, error: Exception) -> None:
        if self._run_bar.isVisibleTo(self):
            self._say(str(error))
