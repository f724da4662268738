"""An overlay that says classes: a colour each, as labels that cannot be painted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_histossl.classes import ClassTable
from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import mask_layer
from napari_histossl.slide.tiles import PlaneTileSource, tile_arrays
from napari_histossl.store import Pyramid
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

KIND = "classes"
"""Kind of the layer."""


class ClassOverlay(QObject):
    """Classes or groups on the slide in view, one overlay at a time.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    changed : Signal
        Another overlay is shown, or none.
    path : Path or None
        Folder of the overlay on the screen.
    layer : napari.layers.Labels or None
        Its layer, drawn tile by tile where it is large.
    classes : ClassTable or None
        What the colours mean.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.path: Path | None = None
        self.layer: Labels | None = None
        self.classes: ClassTable | None = None
        bench.viewer.layers.events.removed.connect(self._on_removed)
        bench.slide_changed.connect(self._on_slide_changed)

    def show(self, path: Path) -> None:
        """Show an overlay of the slide in view, in place of the one before."""
        if self.bench.shown is None:
            return
        self.take_off()
        try:
            pyramid = Pyramid.open(path)
            self._add(pyramid)
        except HistoSSLError as error:
            show_error(error, self.bench.hidden_names)
            return
        self.path, self.classes = path, pyramid.classes
        self.changed.emit()

    def take_off(self) -> None:
        """Take the overlay off the slide; it stays with the slide's results."""
        if self.layer is not None and self.layer in self.bench.viewer.layers:
            self.bench.viewer.layers.remove(self.layer)

    def _add(self, pyramid: Pyramid) -> None:
        bench, shown = self.bench, self.bench.shown
        assert shown is not None
        data, options, kind = mask_layer(pyramid, shown.slide)
        facts = options["metadata"][METADATA_KEY]
        facts["kind"] = KIND
        if options["multiscale"]:
            facts["tiles"] = _tiles(pyramid, options["name"])
            data = tile_arrays(facts["tiles"], bench.canvas.service.load)
        bench.hide("tissue")
        self.layer = bench.add_layer((data, options, kind))
        self.layer.editable = False
        bench.viewer.layers.selection.active = shown.layer

    def _on_removed(self, event: object) -> None:
        if getattr(event, "value", None) is self.layer and self.layer is not None:
            self._let_go()

    def _on_slide_changed(self) -> None:
        shown = self.bench.shown
        if self.layer is not None and (shown is None or not shown.owns(self.layer)):
            self._let_go()

    def _let_go(self) -> None:
        self.layer, self.path, self.classes = None, None, None
        self.changed.emit()


def is_class_overlay(path: Path) -> bool:
    """Whether an overlay says classes, and not numbers; False where it is damaged."""
    try:
        with Pyramid.open(path) as pyramid:
            return pyramid.is_label
    except HistoSSLError:
        return False  # whoever shows it tells why that cannot be


def _tiles(pyramid: Pyramid, name: str) -> PlaneTileSource:
    def read(level: int, box: Box) -> NDArray[Any]:
        return pyramid.read(box, level)

    dtype = pyramid.arrays[0].dtype
    return PlaneTileSource(
        pyramid.levels, labels=True, name=name, dtype=dtype, read_box=read
    )
