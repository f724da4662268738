"""A mask of what a model proposes, made in the worker."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import QObject, Signal

from napari_histossl.errors import HistoSSLError
from napari_histossl.overlays.class_proposal import LabelChoice
from napari_histossl.panels.correct import (
    MaskChoice,
    free_mask_name,
    resolve,
    start_mask,
)
from napari_histossl.widgets import _weak_texts as texts
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench


def topmost_labels(bench: Workbench) -> LabelChoice | None:
    """Return the labels that are seen on the slide, whichever page shows them."""
    for layer in reversed(bench.layers_of_slide()):
        labels: LabelChoice | None = layer.metadata[METADATA_KEY].get("labels")
        if labels is not None and layer.visible:
            return labels
    return None


class MaskMaker(QObject):
    """Makes a mask of labels; it knows where they are from.

    Parameters
    ----------
    bench : Workbench
        Whose worker copies them.

    Attributes
    ----------
    said : Signal of str
        What goes on, in a sentence.
    made : Signal of Path
        The mask is there.
    """

    said = Signal(str)
    made = Signal(object)

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench

    def make(self, labels: LabelChoice | None) -> None:
        """Begin, where there is something to make a mask of."""
        shown = self._bench.shown
        if labels is None or shown is None:
            return
        if self._bench.worker.is_running:
            self.said.emit(texts.MASK_BUSY)
            return
        try:
            name = free_mask_name(shown.folder, "mask")
            choice = MaskChoice(name=name, labels=labels)
            plan = resolve(choice, shown.slide, shown.folder)
        except HistoSSLError as error:
            show_error(error)
            return
        self.said.emit(texts.MAKING)
        self._bench.run(partial(self._on_done, plan.path), start_mask, plan)

    def _on_done(self, path: Path, complete: bool) -> None:
        if complete:
            name = path.name.removesuffix(".ome.zarr")
            self.said.emit(texts.MADE.format(name))
            self.made.emit(path)
