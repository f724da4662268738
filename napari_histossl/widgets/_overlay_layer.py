"""The layer of an overlay, also while it is being computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.layers import Image
from qtpy.QtCore import QObject, QTimer, Signal

from napari_histossl.errors import HistoSSLError
from napari_histossl.napari_io.layers import contrast_limits, overlay_layer
from napari_histossl.store import Pyramid
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._workbench import Workbench

_REFRESH_MS = 1500
"""Least time between two looks at an overlay that is being computed."""


class OverlayLayer(QObject):
    """One overlay of the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    changed : Signal
        Another overlay is shown, or none, or another head of it.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.path: Path | None = None
        self.layer: Image | None = None
        self._growing: Path | None = None
        self._limits = (0.0, 1.0)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(_REFRESH_MS)
        self._late.timeout.connect(self._grow)
        bench.progressed.connect(self._on_progress)
        bench.run_changed.connect(self._on_run_changed)
        bench.viewer.layers.events.removed.connect(self._on_removed)
        bench.viewer.dims.events.current_step.connect(
            lambda _event: self.changed.emit()
        )

    @property
    def heads(self) -> int:
        """Number of heads of the overlay on the screen."""
        return 0 if self.layer is None else int(self.layer.data[0].shape[0])

    @property
    def head(self) -> int:
        """Head on the screen, from 0."""
        return int(self.bench.viewer.dims.current_step[0]) if self.heads else 0

    def choose_head(self, head: int) -> None:
        """Show a head, counted from 0."""
        if self.heads:
            self.bench.viewer.dims.set_current_step(0, head)

    def facts(self) -> dict[str, Any]:
        """Return the provenance of the overlay on the screen; empty if unreadable."""
        if self.path is None:
            return {}
        try:
            with Pyramid.open(self.path) as pyramid:
                return pyramid.provenance
        except HistoSSLError:
            return {}

    def show(self, path: Path) -> None:
        """Show an overlay of the slide in view, in place of the one before."""
        head = self.head
        try:
            pyramid = Pyramid.open(path)
            slide = self.bench.shown.slide if self.bench.shown else None
            if self.layer is not None and self.path == path:
                self._update(pyramid)
            else:
                self._add(pyramid, overlay_layer(pyramid, slide))
        except HistoSSLError as error:
            show_error(error)
            return
        self.path = path
        self.choose_head(min(head, self.heads - 1))
        self.changed.emit()

    def follow(self, path: Path) -> None:
        """Show an overlay as it grows, from its first tiles to the end of the run."""
        self._growing = path

    def _add(self, pyramid: Pyramid, layer_tuple: Any) -> None:
        if self.layer is not None and self.layer in self.bench.viewer.layers:
            self.bench.viewer.layers.remove(self.layer)
        self.bench.hide("tissue")
        layer = self.bench.add_layer(layer_tuple)
        layer.colorbar.visible = True
        self.bench.viewer.dims.axis_labels = ("head", "y", "x")
        self._limits = tuple(layer.contrast_limits)
        self.layer = layer
        if self.bench.shown is not None:
            self.bench.viewer.layers.selection.active = self.bench.shown.layer

    def _update(self, pyramid: Pyramid) -> None:
        """Show what has been computed since; limits that a person set stay."""
        assert self.layer is not None
        untouched = tuple(self.layer.contrast_limits) == self._limits
        self.layer.data = pyramid.lazy()
        if untouched:
            self._limits = contrast_limits(pyramid)
            self.layer.contrast_limits_range = self._limits
            self.layer.contrast_limits = self._limits

    def _grow(self) -> None:
        if self._growing is not None and self._growing.exists():
            self.show(self._growing)

    def _on_progress(self, *_progress: Any) -> None:
        if self._growing is not None and not self._late.isActive():
            self._late.start()

    def _on_run_changed(self, running: bool) -> None:
        if not running:
            self._late.stop()
            self._growing = None

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.layer, self.path = None, None
            self.changed.emit()
