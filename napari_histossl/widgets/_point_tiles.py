"""Attention of tiles that have been looked at, kept in the window."""

from __future__ import annotations

from collections import OrderedDict

from qtpy.QtCore import QObject, Signal

from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.questions import attention_of_tile
from napari_histossl.overlays.tile_attention import TileAttention
from napari_histossl.slide import SlideSource
from napari_histossl.widgets._workbench import Workbench

KEPT_BYTES = 128 << 20
"""Tiles that are kept: 120 of the sample model, 10 of 1,024 tokens and 6 heads."""

_NAME = "attention of a tile"


class PointTiles(QObject):
    """Ask the worker for tiles, one at a time, and keep what it answers.

    Parameters
    ----------
    bench : Workbench
        Whose worker is asked; it answers beside a run.

    Attributes
    ----------
    arrived : Signal
        A tile has been answered, or could not be.
    """

    arrived = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._source: SlideSource | None = None
        self._plan: RunPlan | None = None
        self._kept: OrderedDict[Tile, TileAttention] = OrderedDict()
        self._problems: dict[Tile, str] = {}
        self._asked: tuple[RunPlan, Tile] | None = None
        bench.worker.answered.connect(self._on_answered)

    @property
    def is_cold(self) -> bool:
        """Whether nothing has been answered yet: the model may have to be loaded."""
        return not self._kept and not self._problems

    def look_at(self, source: SlideSource, plan: RunPlan) -> None:
        """Forget the tiles of another slide or model."""
        if (source, plan) != (self._source, self._plan):
            self._source, self._plan = source, plan
            self._kept.clear()
        self._problems.clear()  # what went wrong is tried again

    def problem(self, tile: Tile) -> str:
        """Return why a tile cannot be shown, or an empty string."""
        return self._problems.get(tile, "")

    def get(self, tile: Tile) -> TileAttention | None:
        """Return a tile, or ask for it if it is not there."""
        found = self._kept.get(tile)
        if found is not None:
            self._kept.move_to_end(tile)
        elif tile not in self._problems and self._asked is None:
            assert self._plan is not None
            self._asked = self._plan, tile
            self._bench.worker.ask(_NAME, attention_of_tile, self._source, *self._asked)
        return found

    def _on_answered(self, name: object, answer: object) -> None:
        if name != _NAME or self._asked is None:
            return
        (plan, tile), self._asked = self._asked, None
        if plan == self._plan:
            if isinstance(answer, TileAttention):
                self._keep(answer)
            else:
                self._problems[tile] = str(answer)
        self.arrived.emit()

    def _keep(self, answer: TileAttention) -> None:
        self._kept[answer.tile_ij] = answer
        size = answer.relative.nbytes
        while len(self._kept) * size > KEPT_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
