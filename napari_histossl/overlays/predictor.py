"""What a kind of run is: who computes tiles, and who keeps what comes of them.

The engine knows neither models nor arrays. It takes tiles of a plan, in an order that a
person may change, hands them to a `Predictor`, and what comes back to a `Sink`. A kind
of run is a pair of these, listed in `KINDS`; a plan names its kind.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays.grid import Tile

if TYPE_CHECKING:
    from napari_histossl.overlays.plan import RunPlan
    from napari_histossl.slide import SlideSource

Values = tuple[NDArray[Any], ...]
"""What comes of N tiles: one array for everything that a sink keeps, (N, ...) each."""


class Predictor(Protocol):
    """A slide and a model, open. Made as ``predictor(source, plan)``.

    Attributes
    ----------
    device : str
        Where it computes, in words for people.
    readers : int
        Threads in which `read` may be called at the same time.
    """

    @property
    def device(self) -> str: ...

    @property
    def readers(self) -> int: ...

    def read(self, tiles: Sequence[Tile]) -> Any:
        """Return what `compute` needs of some tiles; called ahead, in a thread.

        Raises
        ------
        SlideReadError
            If a tile cannot be decoded; the engine finds out which.
        """

    def compute(self, inputs: Any) -> Values:
        """Return the values of tiles that `read` has read; called in one thread."""

    def close(self) -> None:
        """Release the slide; no thread is in `read` or `compute` any more."""


class Sink(Protocol):
    """Where values go, on the disk. Made as ``sink(source, plan)``.

    Making one reads what an earlier run has left, and creates nothing. It is used by
    one thread.
    """

    def done(self) -> set[Tile]:
        """Return the tiles that are finished, by this run or an earlier one."""

    def open(self) -> None:
        """Create what is not there yet, and take the right to write it.

        Raises
        ------
        StoreError
            If it cannot be written, or was made from something else.
        """

    def add(self, tiles: Sequence[Tile], values: Values) -> None:
        """Keep values: when this returns they outlive a kill of the process.

        Raises
        ------
        StoreError
            If the disk is full; tiles that were added before stay done.
        """

    def flush(self) -> Iterator[Box]:
        """Make visible what was added, and yield where, in pixels of what is shown."""

    def mark_unreadable(self, tiles: Mapping[Tile, str]) -> None:
        """Remember which tiles of this run could not be read, and why."""

    def close(self) -> None:
        """Give up the right to write."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The two halves of a kind of run, each as ``module:name``.

    Attributes
    ----------
    predictor : str
        Callable that takes a slide source and a plan and returns a `Predictor`.
    sink : str
        Callable that takes the same and returns a `Sink`.
    """

    predictor: str
    sink: str

    def make_predictor(self, source: SlideSource, plan: RunPlan) -> Predictor:
        """Open slide and model."""
        made: Predictor = _named(self.predictor)(source, plan)
        return made

    def make_sink(self, source: SlideSource, plan: RunPlan) -> Sink:
        """Look at what there is on the disk."""
        made: Sink = _named(self.sink)(source, plan)
        return made


_HERE = "napari_histossl.overlays"

KINDS: Mapping[str, Kind] = {
    "attention": Kind(
        f"{_HERE}.attention:AttentionPredictor", f"{_HERE}.raster:attention_sink"
    ),
    "features": Kind(
        f"{_HERE}.features:FeaturePredictor", f"{_HERE}.features_sink:FeatureSink"
    ),
    "tokens": Kind(f"{_HERE}.tokens:TokenPredictor", f"{_HERE}.token_store:TokenSink"),
    "segmentation": Kind(
        f"{_HERE}.segmentation:SegmentationPredictor",
        f"{_HERE}.segmentation:segmentation_sink",
    ),
    "class-maps": Kind(
        f"{_HERE}.class_maps:ClassMapPredictor", f"{_HERE}.class_maps:class_map_sink"
    ),
    "hierarchy": Kind(
        f"{_HERE}.hierarchy_run:HierarchyPredictor",
        f"{_HERE}.hierarchy_run:hierarchy_sink",
    ),
}
"""Kinds of run by the name that a plan gives."""


def kind_of(plan: RunPlan) -> Kind:
    """Return the kind of a plan.

    Raises
    ------
    PlanError
        If there is no such kind.
    """
    if plan.kind not in KINDS:
        raise PlanError(
            f"there is no run of kind {plan.kind!r}; the kinds are {', '.join(KINDS)}"
        )
    return KINDS[plan.kind]


def _named(path: str) -> Any:
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)
