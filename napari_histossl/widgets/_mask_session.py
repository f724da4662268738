"""One mask that is being corrected: its store, its layer, what has been saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_histossl.annotate import MaskStore, Receipt
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.panels.sketches import Drawn
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._mask_editor import MaskEditor
from napari_histossl.widgets._mask_layer import MaskLayer
from napari_histossl.widgets._workbench import Workbench


class MaskSession(QObject):
    """The mask on the Correct page.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    path : Path
        The mask; where it cannot be corrected, it is opened for looking.
    author : str or None
        Who corrects, for the journal.

    Attributes
    ----------
    changed : Signal of str
        Something was saved, undone or could not be saved; a sentence for people.
    ended : Signal
        The mask was closed, by the page or because its layer was removed.
    layer : MaskLayer or None
        The mask on the screen; None when it is closed.
    editor : MaskEditor
        Shows and saves changes.
    """

    changed = Signal(str)
    ended = Signal()

    def __init__(self, bench: Workbench, path: Path, author: str | None) -> None:
        super().__init__()
        self._bench = bench
        self.path = path
        self.store = _open_finished(path)
        self.editor = MaskEditor(self.store, author)
        self.editor.saved.connect(self._on_saved)
        self.editor.failed.connect(self._on_failed)
        self.layer: MaskLayer | None = self._add_layer()
        bench.viewer.layers.events.removed.connect(self._on_layer_removed)
        bench.closing.connect(self.close)

    @property
    def name(self) -> str:
        """Name of the mask."""
        return self.path.name.removesuffix(".ome.zarr")

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the mask's level 0."""
        return self.store.levels[0].shape

    @property
    def state(self) -> str:
        """A sentence on what can be done with the mask, and what of it is damaged."""
        store = self.store
        if store.damage:
            return f"For looking only, up to where it is damaged: {store.damage}"
        if store.read_only:
            return f"For looking only: {store.why_read_only or 'as it was asked for'}"
        return "Saved. Nothing painted since it was opened."

    def draw(self, shape: Drawn) -> None:
        """Change the mask; `changed` says when it is saved, or why it is not.

        Parameters
        ----------
        shape : Stroke, Polygon, FloodFill, HoleFill, Found or Take
            What was drawn. Strokes, outlines and areas are on the screen at once,
            others when they have been computed; a thread makes them durable, in turn.
        """
        self.editor.draw(shape)

    def undo(self) -> None:
        """Take back the newest change."""
        self.editor.undo()

    def redo(self) -> None:
        """Do again what was taken back last."""
        self.editor.redo()

    def close(self) -> None:
        """Remove the layer and let go of the store, when all is saved."""
        if self.layer is None:
            return
        layer, self.layer = self.layer, None
        self._bench.viewer.layers.events.removed.disconnect(self._on_layer_removed)
        self._bench.closing.disconnect(self.close)
        if layer in self._bench.viewer.layers:
            self._bench.viewer.layers.remove(layer)
        self.editor.close()
        self.ended.emit()

    def view_box_px0(self) -> Box | None:
        """Return the part of the mask that is on the screen, in mask pixels."""
        view = self._bench.view_box_px0()
        if view is None:
            return None
        scale = self._mask_px_per_slide_px()
        box = Box(
            int(view.y * scale[0]),
            int(view.x * scale[1]),
            max(int(view.height * scale[0]), 1),
            max(int(view.width * scale[1]), 1),
        )
        return box.intersection(Box(0, 0, *self.shape))

    def _add_layer(self) -> MaskLayer:
        shown = self._bench.shown
        layer = MaskLayer(
            self.editor,
            shown.pixel_um_yx if shown else (1.0, 1.0),
            name=f"mask: {self.name}",
            opacity=0.5,
        )
        layer.brush_size = 40
        self._bench.hide("overlay", "classes", "tissue")
        self._bench.viewer.add_layer(layer)
        if layer.editable:
            layer.mode = "paint"
        return layer

    def _mask_px_per_slide_px(self) -> tuple[float, float]:
        shown = self._bench.shown
        if shown is None or self.store.mpp_yx is None:
            return 1.0, 1.0
        slide, mask = shown.pixel_um_yx, self.store.mpp_yx
        return slide[0] / mask[0], slide[1] / mask[1]

    def _on_saved(self, receipt: Receipt) -> None:
        number = "" if receipt.seq is None else f"Saved · journal entry {receipt.seq}"
        self.changed.emit(
            " · ".join(part for part in (number, receipt.message) if part)
        )

    def _on_failed(self, error: Exception) -> None:
        show_error(error)
        self.changed.emit("Not saved: the picture shows what is on disk.")

    def _on_layer_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.close()


def _open_finished(path: Path) -> MaskStore:
    """Open a mask for writing; one that is still being started is not ready."""
    store = MaskStore.open(path, read_only=None)
    if store.is_seeding and not store.read_only:
        store.close()
        name = path.name.removesuffix(".ome.zarr")
        raise PlanError(
            f"the mask {name!r} was being copied from an overlay when the run ended; "
            f"press Create mask with the same name and overlay to finish it"
        )
    return store
