"""One mask that is being corrected: its store, its layer, what has been saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_histossl.annotate import (
    FloodFill,
    Found,
    HoleFill,
    MaskStore,
    Polygon,
    Receipt,
    Stroke,
    Take,
)
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._mask_layer import MaskLayer, window_around
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench


class MaskSession(QObject):
    """The mask on the Correct page.

    Attributes
    ----------
    changed : Signal of str
        Something was saved, undone or could not be saved; a sentence for people.
    ended : Signal
        The mask was closed, by the page or because its layer was removed.
    """

    changed = Signal(str)
    ended = Signal()

    def __init__(self, bench: Workbench, path: Path, author: str | None) -> None:
        super().__init__()
        self._bench = bench
        self._author = author
        self.path = path
        self.store = _open_finished(path)
        self.layer: MaskLayer | None = None
        self.edit_around_view()
        bench.viewer.layers.events.removed.connect(self._on_layer_removed)

    @property
    def name(self) -> str:
        """Name of the mask."""
        return self.path.name.removesuffix(".ome.zarr")

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the mask's level 0."""
        return self.store.levels[0].shape

    @property
    def is_windowed(self) -> bool:
        """Whether the mask is larger than the part that is edited at a time."""
        return self.layer is not None and self.layer.window_px0.shape != self.shape

    def edit_around_view(self) -> None:
        """Show the part of the mask around what is on the screen, ready to edit."""
        window = window_around(self.shape, self._centre_px0())
        old, settings = self.layer, {}
        if old is not None:
            settings = {"mode": old.mode, "selected": old.selected_label}
            self.layer = None
            self._bench.viewer.layers.remove(old)
        shown = self._bench.shown
        layer = MaskLayer(
            self.store,
            window,
            shown.pixel_um_yx if shown else (1.0, 1.0),
            self._author,
            self._on_saved,
            self._on_error,
            name=f"mask: {self.name}",
            opacity=0.5,
            metadata={METADATA_KEY: {"kind": "mask", "path": str(self.path)}},
        )
        layer.brush_size = 40
        layer.selected_label = settings.get("selected", 1)
        self._bench.hide("overlay", "classes", "tissue")
        self._bench.viewer.add_layer(layer)
        layer.mode = settings.get("mode", "paint")
        self.layer = layer

    def window_sentence(self) -> str:
        """Say which part of a large mask is being edited."""
        assert self.layer is not None
        window, (height, width) = self.layer.window_px0, self.shape
        return (
            f"Editing {window.width:,} × {window.height:,} of {width:,} × {height:,} "
            f"mask pixels. Go elsewhere and press Edit here."
        )

    def draw(
        self, shape: Stroke | Polygon | FloodFill | HoleFill | Found | Take
    ) -> None:
        """Change the mask; `changed` says when it is saved, or why it is not."""
        if self.layer is not None:
            self.layer.apply(lambda: self.store.paint(shape))

    def close(self) -> None:
        """Remove the layer and let go of the store; all is saved already."""
        if self.layer is None:
            return
        layer, self.layer = self.layer, None
        self._bench.viewer.layers.events.removed.disconnect(self._on_layer_removed)
        if layer in self._bench.viewer.layers:
            self._bench.viewer.layers.remove(layer)
        self.store.close()
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

    def _centre_px0(self) -> tuple[float, float]:
        view = self.view_box_px0()
        if view is None:
            return self.shape[0] / 2, self.shape[1] / 2
        return view.y + view.height / 2, view.x + view.width / 2

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

    def _on_error(self, error: Exception) -> None:
        show_error(error)
        self.changed.emit("Not saved: the picture shows what is on disk.")

    def _on_layer_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self.close()


def _open_finished(path: Path) -> MaskStore:
    """Open a mask for writing; one that is still being started is not ready."""
    store = MaskStore.open(path)
    if store.is_seeding:
        store.close()
        name = path.name.removesuffix(".ome.zarr")
        raise PlanError(
            f"the mask {name!r} was being copied from an overlay when the run ended; "
            f"press Create mask with the same name and overlay to finish it"
        )
    return store
