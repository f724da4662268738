"""What a model says of tiles that have been looked at, kept in the window."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from qtpy.QtCore import QObject, Signal

from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.slide import SlideSource
from napari_histossl.widgets._workbench import Workbench

KEPT_BYTES = 128 << 20
"""Tiles that are kept: 120 of the sample model, 10 of 1,024 tokens and 6 heads."""


class TileAnswer(Protocol):
    """What a worker says of one tile."""

    @property
    def tile_ij(self) -> Tile:
        """Row and column of the tile."""

    @property
    def nbytes(self) -> int:
        """Size of the answer, about."""


class PointTiles(QObject):
    """Ask the worker for tiles, one at a time, and keep what it answers.

    Parameters
    ----------
    bench : Workbench
        Whose worker is asked; it answers beside a run.
    question : callable
        What is asked, with the source of the slide, the plan and the tile; one of
        `overlays.questions`.

    Attributes
    ----------
    arrived : Signal
        A tile has been answered, or could not be.
    """

    arrived = Signal()

    def __init__(self, bench: Workbench, question: Callable[..., TileAnswer]) -> None:
        super().__init__()
        self._bench, self._question = bench, question
        self._name = question.__name__, id(self)
        self._source: SlideSource | None = None
        self._plan: RunPlan | None = None
        self._kept: OrderedDict[Tile, TileAnswer] = OrderedDict()
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

    def get(self, tile: Tile) -> Any:
        """Return what was answered of a tile; None, and ask, if nothing was yet."""
        found = self._kept.get(tile)
        if found is not None:
            self._kept.move_to_end(tile)
        elif tile not in self._problems and self._asked is None:
            assert self._plan is not None
            self._asked = self._plan, tile
            self._bench.worker.ask(
                self._name, self._question, self._source, *self._asked
            )
        return found

    def _on_answered(self, name: object, answer: Any) -> None:
        if name != self._name or self._asked is None:
            return
        (plan, tile), self._asked = self._asked, None
        if plan == self._plan:
            if isinstance(answer, Exception):
                self._problems[tile] = str(answer)
            else:
                self._keep(answer)
        self.arrived.emit()

    def _keep(self, answer: TileAnswer) -> None:
        self._kept[answer.tile_ij] = answer
        while len(self._kept) * answer.nbytes > KEPT_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
