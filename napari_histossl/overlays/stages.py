"""Who computes batches: threads of this process, or an executor's workers."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from napari_histossl.errors import (
    SlideChangedError,
    SlideReadError,
    SlideUnreachableError,
)
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Predictor, Values, kind_of
from napari_histossl.slide import SlideSource


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """What has come of a batch.

    Attributes
    ----------
    tiles : tuple of (row, column)
        Those that have values.
    values : tuple of ndarray
        As the predictor gives them; empty without tiles.
    unreadable : dict of (row, column) to str
        Why the others have none.
    """

    tiles: tuple[Tile, ...]
    values: Values
    unreadable: dict[Tile, str] = field(default_factory=dict)


class Stage(Protocol):
    """Takes batches and computes them.

    Attributes
    ----------
    depth : int
        Batches that may be in flight: read, computed, waiting to be written.
    device : str
        Where it computes, in words for people.
    """

    depth: int
    device: str

    def submit(self, tiles: Sequence[Tile]) -> Future[Computed]:
        """Begin a batch; a future that can be cancelled has not been computed."""


@contextmanager
def open_stage(
    source: SlideSource, plan: RunPlan, executor: Executor | None, in_flight: int
) -> Iterator[Stage]:
    """Open slide and model here, or use those who compute elsewhere.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        What to compute.
    executor : Executor or None
        Computes batches elsewhere; None for threads of this process.
    in_flight : int
        Batches that an executor gets at once.
    """
    bare = plan.bare()  # travels with every batch
    if executor is not None:
        yield _Elsewhere(executor, source, bare, in_flight)
        return
    predictor = kind_of(plan).make_predictor(source, bare)
    stage = _Here(predictor)
    try:
        yield stage
    finally:
        stage.close()  # before what its threads use
        predictor.close()


class _Here:
    """Threads that read ahead, and one that computes."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self.device = predictor, predictor.device
        # one that is computed, one that waits for nothing, those that are read
        self.depth = predictor.readers + 2
        self._readers = ThreadPoolExecutor(predictor.readers, "reading")
        self._model = ThreadPoolExecutor(1, "model")

    def submit(self, tiles: Sequence[Tile]) -> Future[Computed]:
        reading = self._readers.submit(_read, self._predictor, tiles)
        computing = self._model.submit(_compute, self._predictor, reading)
        computing.add_done_callback(lambda _future: reading.cancel())
        return computing

    def close(self) -> None:
        """Take back what has not begun, and wait for the rest."""
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._model.shutdown(cancel_futures=True)
        self._readers.shutdown()


class _Elsewhere:
    """An executor: other processes, or a cluster."""

    device = "elsewhere"

    def __init__(
        self, executor: Executor, source: SlideSource, plan: RunPlan, in_flight: int
    ) -> None:
        self._executor, self._source, self._plan = executor, source, plan
        self.depth = in_flight

    def submit(self, tiles: Sequence[Tile]) -> Future[Computed]:
        return self._executor.submit(
            compute_batch, self._source, self._plan, tuple(tiles)
        )


def compute_batch(
    source: SlideSource, plan: RunPlan, tiles: Sequence[Tile]
) -> Computed:
    """Compute a batch, for an executor: all arguments are picklable.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        What to compute; its tiles are not used.
    tiles : sequence of (row, column)
        N tiles.

    Returns
    -------
    Computed
        Values of those that can be read.

    Notes
    -----
    The process that computes keeps its last slide and model open, since opening them
    costs more than a batch.
    """
    if isinstance(source, Hashable):
        predictor = _kept_predictor(source, plan)
        return _compute_read(predictor, *_read(predictor, tiles))
    predictor = kind_of(plan).make_predictor(source, plan)
    try:
        return _compute_read(predictor, *_read(predictor, tiles))
    finally:
        predictor.close()


@lru_cache(maxsize=1)
def _kept_predictor(source: Any, plan: RunPlan) -> Predictor:
    return kind_of(plan).make_predictor(source, plan)


# ---- Details

_Read = tuple[tuple[Tile, ...], Any, dict[Tile, str]]
"""Tiles that could be read, what was read of them, and why the others could not."""


def _read(predictor: Predictor, tiles: Sequence[Tile]) -> _Read:
    """Read a batch; where that fails, find the tiles that can be read."""
    tiles = tuple(tiles)
    try:
        return tiles, predictor.read(tiles), {}
    except (SlideUnreachableError, SlideChangedError):
        raise  # not a tile, but all of them
    except SlideReadError:
        unreadable = dict(_unreadable(predictor, tiles))
    good = tuple(tile for tile in tiles if tile not in unreadable)
    return good, predictor.read(good) if good else None, unreadable


def _unreadable(
    predictor: Predictor, tiles: Sequence[Tile]
) -> Iterator[tuple[Tile, str]]:
    for tile in tiles:
        try:
            predictor.read((tile,))
        except (SlideUnreachableError, SlideChangedError):
            raise
        except SlideReadError as error:
            yield tile, str(error)


def _compute(predictor: Predictor, reading: Future[_Read]) -> Computed:
    return _compute_read(predictor, *reading.result())


def _compute_read(
    predictor: Predictor, tiles: tuple[Tile, ...], inputs: Any, unread: dict[Tile, str]
) -> Computed:
    values = predictor.compute(inputs) if tiles else ()
    return Computed(tiles, values, unread)
