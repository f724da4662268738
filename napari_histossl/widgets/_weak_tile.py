"""The tile under the cursor: what the classifier says of it, and what dropout hides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap
from qtpy.QtCore import QObject, Signal

from napari_histossl.classes import ClassInfo
from napari_histossl.errors import GeometryError
from napari_histossl.overlays.class_tile import TileClasses
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.questions import classes_of_tile
from napari_histossl.overlays.tile_attention import locate
from napari_histossl.panels.class_maps import ClassMapChoice, plan_tile
from napari_histossl.widgets import _weak_texts as texts
from napari_histossl.widgets._point_mouse import PointMouse
from napari_histossl.widgets._point_tiles import PointTiles
from napari_histossl.widgets._weak_layer import ramp
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench
from napari_histossl.widgets._worker import BackgroundReads

KIND = "tile under the cursor"
"""Kind and name of the layer."""

_HIDDEN = 2.0
"""Value of what is hidden; activation lies between 0 and 1."""

_STEPS = 128
_DARK = (0.08, 0.08, 0.1, 0.92)
"""Colour of what is hidden."""


class TileUnderCursor(QObject):
    """Follow the cursor, ask for its tile, draw one class of it.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    choice : callable
        Returns which classifier is asked.

    Attributes
    ----------
    told : Signal
        There is another tile, or none; see `tile`.
    said : Signal of str
        What goes on, in a sentence.
    ended : Signal
        The cursor is not followed any more.
    tile : TileClasses or None
        What is known of the tile under the cursor.
    plan : RunPlan or None
        Which classifier is asked, and in which tiles.
    """

    told = Signal()
    said = Signal(str)
    ended = Signal()

    def __init__(self, bench: Workbench, choice: Callable[[], ClassMapChoice]) -> None:
        super().__init__()
        self._bench, self._choice = bench, choice
        self.plan: RunPlan | None = None
        self.tile: TileClasses | None = None
        self.layer: Image | None = None
        self._at_px0: tuple[float, float] | None = None
        self.mouse = PointMouse(bench)
        self.tiles = PointTiles(bench, classes_of_tile)
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_planned)
        self.tiles.arrived.connect(self._look)
        self.mouse.moved.connect(self._on_moved)
        self.mouse.escaped.connect(self.end)
        bench.slide_changed.connect(self.end)
        bench.closing.connect(self.end)

    @property
    def is_on(self) -> bool:
        """Whether the cursor is followed."""
        return self.mouse.is_on

    def start(self) -> None:
        """Follow the cursor from now on."""
        if self._bench.shown is None:
            return
        self._bench.worker.warm_up()
        self.mouse.start()
        self.plan_anew()

    def end(self) -> None:
        """Follow it no longer, and take the picture off."""
        self.mouse.stop()
        self._reads.drop()
        self.plan = self._at_px0 = None
        if self.layer is not None and self.layer in self._bench.viewer.layers:
            self._bench.viewer.layers.remove(self.layer)
        self.layer = None
        self._take(None)
        self.ended.emit()

    def plan_anew(self) -> None:
        """Find out which classifier is asked; weights are hashed, in a thread."""
        shown = self._bench.shown
        if shown is None or not self.is_on:
            return
        self.plan = None
        self._take(None)
        self.said.emit(texts.READING)
        call = partial(plan_tile, self._choice(), shown.slide)
        self._reads.ask(shown.source, call)

    def _on_planned(self, source: Any, plan: Any) -> None:
        shown = self._bench.shown
        if not self.is_on or shown is None or source != shown.source:
            return
        if not isinstance(plan, RunPlan):
            self.end()
            self.said.emit(str(plan))
            return
        self.plan = plan
        self.tiles.look_at(shown.source, plan)
        self._look()

    def _on_moved(self, y_px0: float, x_px0: float) -> None:
        self._at_px0 = y_px0, x_px0
        self._look()

    def _look(self) -> None:
        """Find the tile under the cursor, or ask for it."""
        if self.plan is None:
            return
        if self._at_px0 is None:
            self.said.emit(texts.MOVE)
            return
        try:
            place, _ = locate(self.plan, *self._at_px0)
        except GeometryError:
            self._take(None)
            self.said.emit(texts.OFF_SLIDE)
            return
        if self.tile is not None and self.tile.tile_ij == place:
            return
        found: TileClasses | None = self.tiles.get(place)
        self._take(found)
        if found is None:
            problem = self.tiles.problem(place)
            waits = texts.LOADING if self.tiles.is_cold else texts.COMPUTING
            self.said.emit(problem or waits)

    def _take(self, tile: TileClasses | None) -> None:
        if tile is not self.tile:
            self.tile = tile
            if tile is None and self.layer is not None:
                self.layer.visible = False
            self.told.emit()

    # ---- The picture

    def show(self, info: ClassInfo, place: int, mu: float) -> None:
        """Draw what is seen of a class in the tile, and what is hidden.

        Parameters
        ----------
        info : ClassInfo
            The class.
        place : int
            Its place among the model's numbers.
        mu : float
            Share of its maximum above which it is hidden.
        """
        if self.tile is None or self.plan is None:
            return
        seen = self.tile.seen[place]
        values = seen / max(float(seen.max()), 1e-6)
        values[self.tile.hidden(mu)[place]] = _HIDDEN
        if self.layer is None or self.layer.data.shape != values.shape:
            self._add(values)
        assert self.layer is not None
        self._move()
        self.layer.data[...] = values
        name = f"{info.name} {info.colour}, hidden"
        if self.layer.colormap.name != name:
            self.layer.colormap = _colours(info, name)
        self.layer.refresh(thumbnail=False, highlight=False, extent=False)
        if not self.layer.visible:
            self.layer.visible = True

    def _add(self, values: Any) -> None:
        shown = self._bench.shown
        assert shown is not None
        options = {
            "name": KIND,
            "units": tuple(shown.layer.units[-2:]),
            "contrast_limits": (0.0, _HIDDEN),
            "interpolation2d": "nearest",
            "metadata": {METADATA_KEY: {"kind": KIND, "source": shown.source}},
        }
        self.layer = self._bench.add_layer((values.copy(), options, "image"))
        self._bench.viewer.layers.selection.active = shown.layer

    def _move(self) -> None:
        """Lay the picture on its tile."""
        assert self.layer is not None
        assert self.tile is not None
        assert self.plan is not None
        assert self._bench.shown is not None
        down = self.plan.downsample
        box = self.plan.tile_box(*self.tile.tile_ij)
        px0_um = np.array(self._bench.shown.pixel_um_yx)
        pixel_um = self.plan.spec.tile_px * down / self.layer.data.shape[0] * px0_um
        corner = np.array([box.y, box.x]) * down * px0_um
        place = corner + (pixel_um - px0_um) / 2
        if not np.allclose(self.layer.translate, place):
            self.layer.scale, self.layer.translate = pixel_um, place


def _colours(info: ClassInfo, name: str) -> Colormap:
    """Return colours: of the class for activation, dark for what is hidden."""
    clear = ramp(info).map(np.linspace(0, 1, _STEPS))
    dark = np.tile(np.array(_DARK, np.float32), (_STEPS, 1))
    return Colormap(np.concatenate([clear, dark]), name=name)
