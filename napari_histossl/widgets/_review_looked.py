"""What has been looked at closely: noticed, counted, shown."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_histossl.annotate.looked import CELL_UM, CLOSE_UM, LookedAt, looked_path
from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.tissue import saved_or_found
from napari_histossl.slide import SlideSource, TissueMap
from napari_histossl.widgets._form import note
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench
from napari_histossl.widgets._worker import BackgroundReads

KIND = "looked"
"""Kind of the layer."""

_LOOK_MS = 500
"""What is on the screen at two looks, so long after one another, was looked at."""

_SAVE_LOOKS = 40
"""Looks after which the file is written: 20 s, all that a crash may lose."""

_VEIL = Colormap([[0, 0, 0, 0], [0.1, 0.1, 0.25, 0.5]], name="not looked at")
"""Over tissue that nobody has looked at; where somebody has, the tissue is clear."""


def _tissue_of(source: SlideSource, folder: Path) -> TissueMap:
    with closing(source.open()) as slide:
        return saved_or_found(slide, folder)


class LookedGroup(QWidget):
    """Per cent of the tissue, and a veil over the rest.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Notes
    -----
    Costs nothing while the view moves: a timer looks twice a second.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._session: MaskSession | None = None
        self.looked: LookedAt | None = None
        self._tissue: TissueMap | None = None
        self._before: tuple[float, float, float, float] | None = None
        self._looks = 0
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_tissue)
        self.show_rest = QCheckBox("Veil the tissue that was not looked at")
        self.show_rest.toggled.connect(lambda _on: self._show_veil())
        self._said = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._said)
        column.addWidget(self.show_rest)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)

    @property
    def text(self) -> str:
        """What is said of it."""
        return self._said.text()

    def follow(self, session: MaskSession | None) -> None:
        """Notice it for another mask, or for none."""
        self._end()
        self._session, shown = session, self._bench.shown
        if session is None or shown is None:
            return
        mpp_yx = shown.slide.mpp_yx
        if mpp_yx is None:
            self._said.setText("The slide does not say its scale, so what is 10x?")
            return
        height, width = shown.slide.levels[0].shape
        extent = height * mpp_yx[0], width * mpp_yx[1]
        try:
            self.looked = LookedAt(looked_path(session.path), extent)
        except HistoSSLError as error:
            self._said.setText(str(error))
            return
        source, folder = shown.source, shown.folder
        self._reads.ask("tissue", lambda: _tissue_of(source, folder))
        self.show_rest.setEnabled(False)
        self._say()
        self._timer.start()

    def look(self) -> None:
        """Mark what is on the screen now and was at the last look."""
        before, self._before = self._before, self._view_um()
        if self.looked is None or before is None or self._before is None:
            return
        top, left, bottom, right = zip(before, self._before, strict=True)
        both = max(top), max(left), min(bottom), min(right)
        is_there = both[0] < both[2] and both[1] < both[3]
        if is_there and self.looked.mark(both) is not None:
            self._say()
            self._show_veil()
        self._looks += 1
        if self._looks % _SAVE_LOOKS == 0:
            self._save()

    # ---- Details

    def _view_um(self) -> tuple[float, float, float, float] | None:
        """Return what of the slide is on the screen; None from afar."""
        bench = self._bench
        if bench.shown is None or bench.closed or not self._is_watched():
            return None
        if bench.viewer.scene.camera.zoom < 1 / CLOSE_UM:
            return None
        points = [bench.shown.px0(corner) for corner in bench.view_corners()]
        pixel = np.asarray(bench.shown.pixel_um_yx)
        low, high = (take(points, axis=0) * pixel for take in (np.min, np.max))
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def _is_watched(self) -> bool:
        """Whether somebody can see the slide at all."""
        window = self.window()
        return window.isVisible() and not window.isMinimized()

    def _on_tissue(self, _name: object, answer: Any) -> None:
        if isinstance(answer, TissueMap):
            self._tissue = answer
            self.show_rest.setEnabled(True)
        self._say()
        self._show_veil()

    def _say(self) -> None:
        shown = self._bench.shown
        if self.looked is None or shown is None:
            return
        share = None
        if self._tissue is not None:
            share = self.looked.share(self._tissue, shown.pixel_um_yx[0])
        if share is None:
            self._said.setText("Looking for the tissue of the slide.")
            if self._tissue is not None:
                self._said.setText("There is no tissue on this slide.")
            return
        self._said.setText(f"{share:.0%} of the tissue was looked at, at 10x or more.")

    def _show_veil(self) -> None:
        layer = self._bench.layer_of_kind(KIND)
        if not self.show_rest.isChecked() or self.looked is None:
            if layer is not None:
                self._bench.viewer.layers.remove(layer)
            return
        veil = self._veil()
        if veil is None:
            return
        if layer is None:
            self._add_layer(veil)
        else:
            layer.data = veil

    def _veil(self) -> Any:
        shown = self._bench.shown
        if self.looked is None or self._tissue is None or shown is None:
            return None
        tissue = self.looked.tissue_cells(self._tissue, shown.pixel_um_yx[0])
        return (tissue & ~self.looked.cells).astype(np.uint8)

    def _add_layer(self, veil: Any) -> None:
        bench = self._bench
        assert bench.shown is not None
        active = bench.viewer.layers.selection.active
        half_pixel = np.asarray(bench.shown.pixel_um_yx) / 2
        bench.viewer.add_layer(
            Image(
                veil,
                name="not looked at",
                scale=(CELL_UM, CELL_UM),
                translate=CELL_UM / 2 - half_pixel,
                units=("um", "um"),
                colormap=_VEIL,
                contrast_limits=(0, 1),
                interpolation2d="nearest",
                metadata={METADATA_KEY: {"kind": KIND, "source": bench.shown.source}},
            )
        )
        bench.viewer.layers.selection.active = active

    def _save(self) -> None:
        if self.looked is None or self._session is None:
            return
        if self._session.store.read_only:
            return  # nobody's folder is written to for looking only
        try:
            self.looked.save()
        except HistoSSLError as error:
            self._said.setText(str(error))

    def _end(self) -> None:
        self._timer.stop()
        self._save()
        self._reads.drop()
        self.looked = self._tissue = self._before = None
        if not self._bench.closed:
            self._show_veil()
