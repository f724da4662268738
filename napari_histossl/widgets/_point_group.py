"""Attention from a point: the token under the cursor asks, a layer shows what it gets.

The worker computes a tile when the cursor first comes to it. After that the window
looks tokens up by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.errors import GeometryError
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.questions import attention_of_tile
from napari_histossl.overlays.tile_attention import TileAttention, locate
from napari_histossl.panels.attention import AttentionChoice
from napari_histossl.panels.point import plan_point
from napari_histossl.widgets import _point_texts as texts
from napari_histossl.widgets._form import button, combo, form, note
from napari_histossl.widgets._key_table import END_POINTING
from napari_histossl.widgets._keys import bind_on_page
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._overlays_texts import masked_sentence, way_out
from napari_histossl.widgets._point_layer import PointLayer
from napari_histossl.widgets._point_mouse import PointMouse
from napari_histossl.widgets._point_tiles import PointTiles
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets._worker import BackgroundReads

_LEAST_SCREEN_PX = 32
"""A tile that is smaller on the screen shows nothing: it is not worth computing."""


class PointGroup(QWidget):
    """Follow the cursor, pin a point, end.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    overlay : OverlayLayer
        The attention overlay on the slide: its weights, block, numbers and colours
        are taken.
    choice : callable, optional
        Returns what is chosen on the page, taken where no attention overlay is shown;
        by default the sample weights.
    """

    def __init__(
        self,
        bench: Workbench,
        overlay: OverlayLayer,
        choice: Callable[[], AttentionChoice] = AttentionChoice,
    ) -> None:
        super().__init__()
        self.bench, self.overlay, self._choice = bench, overlay, choice
        self.layer = PointLayer(bench)
        self.tiles = PointTiles(bench, attention_of_tile)
        self.mouse = PointMouse(bench)
        self.plan: RunPlan | None = None
        self._at_px0: tuple[float, float] | None = None
        self._pinned_px0: tuple[float, float] | None = None
        self._drawn: tuple[Tile, tuple[int, int], int | None] | None = None
        self._of_path: Path | None = None
        self._build()
        self._reads = BackgroundReads(self)
        self._connect()
        self.end()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        self._follow = button("Follow the cursor", self._toggle, "Esc ends")
        self._follow.setCheckable(True)
        column.addWidget(self._follow)
        self._head = combo()
        self._head.addItem("mean of heads", None)
        self._rows = form()
        self._rows.addRow("Show", self._head)
        column.addLayout(self._rows)
        self._status, self._meaning = note(), note()
        column.addWidget(self._status)
        column.addWidget(self._meaning)

    def _connect(self) -> None:
        self._head.currentIndexChanged.connect(lambda _index: self._look())
        self._reads.answered.connect(self._on_planned)
        self.tiles.arrived.connect(self._look)
        self.mouse.moved.connect(self._on_moved)
        self.mouse.clicked.connect(self._on_clicked)
        self.mouse.escaped.connect(self.end)
        self.overlay.changed.connect(self._on_overlay_changed)
        self.bench.slide_changed.connect(self.end)
        self.bench.closing.connect(self.end)
        bind_on_page(self, {END_POINTING.name: self.end})

    # ---- On and off

    @property
    def is_on(self) -> bool:
        """Whether the cursor is followed, or a point pinned."""
        return self.mouse.is_on

    @property
    def head(self) -> int | None:
        """The head that is shown, None for the mean."""
        chosen: int | None = self._head.currentData()
        return chosen

    def _toggle(self) -> None:
        if not self._follow.isChecked():
            self.end()
            return
        self.bench.worker.warm_up()
        self.mouse.start()
        self._plan_anew()

    def _plan_anew(self) -> None:
        """Find out which model is asked; weights are hashed, which may take a while."""
        shown = self.bench.shown
        assert shown is not None
        self.plan = self._drawn = None
        self._of_path = self.overlay.path
        self.layer.remove()
        self._status.setText(texts.READING)
        call = partial(plan_point, self._choice(), shown.slide, self.overlay.facts())
        self._reads.ask(shown.source, call)

    def _on_planned(self, source: Any, plan: Any) -> None:
        shown = self.bench.shown
        if not self.is_on or shown is None or source != shown.source:
            return
        if not isinstance(plan, RunPlan):
            self.end()
            self._status.setText(self._told(way_out(plan)))
            return
        self.plan = plan
        self.tiles.look_at(shown.source, plan)
        self._list_heads(plan.spec.heads)
        self._meaning.setText(texts.describe(plan))
        self._meaning.show()
        self._look()

    def _list_heads(self, heads: int) -> None:
        if self._head.count() == heads + 1:
            return
        self._head.blockSignals(True)
        while self._head.count() > 1:
            self._head.removeItem(1)
        for head in range(heads):
            self._head.addItem(f"head {head}", head)
        self._head.blockSignals(False)

    def end(self) -> None:
        """Stop following and take the picture off."""
        self._follow.setChecked(False)
        self.mouse.stop()
        self._reads.drop()
        self.plan = self._at_px0 = self._pinned_px0 = self._drawn = None
        self.layer.remove()
        has_slide = self.bench.shown is not None
        self._follow.setEnabled(has_slide)
        self._status.setText(texts.HOW if has_slide else texts.NO_SLIDE)
        self._meaning.hide()

    def _on_overlay_changed(self) -> None:
        """Ask the model of another overlay; other heads of one are no other overlay."""
        if self.is_on and self.overlay.path != self._of_path:
            self._plan_anew()

    # ---- The mouse

    def _on_moved(self, y_px0: float, x_px0: float) -> None:
        self._at_px0 = y_px0, x_px0
        if self._pinned_px0 is None:
            self._look()

    def _on_clicked(self, y_px0: float, x_px0: float) -> None:
        self._at_px0 = y_px0, x_px0
        if self.plan is None or not self._is_seen():
            return
        before, here = self._pinned_px0, (y_px0, x_px0)
        lets_go = before is not None and self._place(before) == self._place(here)
        self._pinned_px0 = None if lets_go else here
        self._look()
        self.layer.mark(pinned=self._pinned_px0 is not None)

    # ---- The picture

    def _place(self, at_px0: tuple[float, float]) -> Any:
        """Return tile and token of a point, or None off the slide."""
        assert self.plan is not None
        try:
            return locate(self.plan, *at_px0)
        except GeometryError:
            return None

    def _is_seen(self) -> bool:
        """Whether a tile is large enough on the screen to show anything."""
        assert self.plan is not None
        assert self.bench.shown is not None
        tile_px0 = self.plan.spec.tile_px * self.plan.downsample
        tile_um = tile_px0 * self.bench.shown.pixel_um_yx[0]
        return bool(tile_um * self.bench.viewer.scene.camera.zoom >= _LEAST_SCREEN_PX)

    def _look(self) -> None:
        """Show what the token under the cursor, or the pinned one, attends to."""
        at_px0 = self._pinned_px0 or self._at_px0
        if self.plan is None:
            return
        if at_px0 is None:
            self._status.setText(texts.MOVE)
            return
        place = self._place(at_px0)
        if place is None or (self._pinned_px0 is None and not self._is_seen()):
            self._hide(texts.OFF_SLIDE if place is None else texts.FAR)
            return
        tile_ij, token_ij = place
        tile = self.tiles.get(tile_ij)
        if tile is not None:
            self._show(tile, token_ij)
        elif self.tiles.problem(tile_ij):
            self._hide(self._told(self.tiles.problem(tile_ij)))
        else:
            self._status.setText(
                texts.LOADING if self.tiles.is_cold else texts.COMPUTING
            )

    def _show(self, tile: TileAttention, token_ij: tuple[int, int]) -> None:
        assert self.plan is not None
        if self._drawn != (tile.tile_ij, token_ij, self.head):
            is_new = self.layer.heat is None
            values = tile.given_by(token_ij, self.head, self.plan.values)
            self.layer.show(self.plan, tile, token_ij, values)
            self.layer.set_limits(0.0, self._limit(tile))
            self._drawn = tile.tile_ij, token_ij, self.head
            if is_new and self.overlay.layer is not None:
                self.layer.cover(self.overlay.layer)
        self._status.setText(texts.PINNED if self._pinned_px0 else texts.FOLLOWING)

    def _limit(self, tile: TileAttention) -> float:
        """Return the value above which colours saturate."""
        assert self.plan is not None
        if self.plan.values == "rank":
            return 100.0
        limit = tile.limit(self.head)
        return limit if self.plan.values == "relative" else limit / (tile.edge**2 + 1)

    def _hide(self, text: str) -> None:
        self._drawn = None
        self.layer.hide()
        self._status.setText(text)

    def _told(self, text: str) -> str:
        return masked_sentence(text, self.bench.hidden_names)
