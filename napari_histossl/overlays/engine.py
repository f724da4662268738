"""Run a plan: read, compute, write, remember what is done.

Threads read ahead and compute; the generator itself writes, and listens to orders. It
knows what is computed by a plan's kind alone, see `overlays.predictor`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future

from napari_histossl.geometry import Box, to_level
from napari_histossl.jobs import Orders, Progress, resumable
from napari_histossl.overlays.agenda import Agenda
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Sink, kind_of
from napari_histossl.overlays.stages import Computed, Stage, open_stage
from napari_histossl.slide import SlideSource

IN_FLIGHT = 2
"""Batches that an executor gets at once: one is computed while another one waits."""

_SHARE = 0.015
"""Of the time at most is spent on making visible what is already safe."""

_SHARE_IN_VIEW = 0.3
"""The same while a person looks at the tiles that are being computed."""

_LEAST_S = 1.0
"""Between two times that results are made visible, unless they are in view."""


@resumable
def run(
    source: SlideSource,
    plan: RunPlan,
    *,
    executor: Executor | None = None,
    orders: Orders | None = None,
    in_flight: int = IN_FLIGHT,
) -> Iterator[Progress]:
    """Compute the tiles of a plan and write them.

    Parameters
    ----------
    source : SlideSource
        The slide the plan was made for.
    plan : RunPlan
        What to compute, and where to write it.
    executor : Executor, optional
        Computes batches: threads, processes, or a cluster; by default threads of this
        process. It is not shut down here.
    orders : Orders, optional
        May say at any time where a person looks, to pause, to go on, to stop.
    in_flight : int, optional
        Batches that an executor gets at once, at least 1; more for more workers.

    Yields
    ------
    Progress
        At once, with the tiles that an earlier run has done; after each batch; and
        whenever something new can be seen, with `box` in pixels of the overlay at its
        finest level.

    Raises
    ------
    StoreError
        If the overlay cannot be written, or one of the same name was made from
        something else.
    SlideReadError
        If the slide does not answer any more or has changed; what was finished stays
        finished. A tile that cannot be decoded is remembered and left out, the last
        message says how many; the next run tries them again.
    WeightsError
        If the weights cannot be read or have changed since the plan was made.
    PlanError
        If a GPU is asked for and absent, or its memory does not suffice for one tile.

    Notes
    -----
    A tile is done once it is on the disk: a run that was killed goes on where it was
    and ends in the same picture, with at most the batches in flight computed twice.
    Closing the generator stops it.
    """
    orders = orders or Orders()
    kind = kind_of(plan)
    with open_stage(source, plan, executor, in_flight) as stage:
        # the model is loaded before an overlay is touched: wrong weights leave nothing
        sink = kind.make_sink(source, plan)
        try:
            yield from _Run(plan, stage, sink, orders).steps()
        finally:
            sink.close()


class _Run:
    """One run: what waits, what is in flight, what is done."""

    def __init__(self, plan: RunPlan, stage: Stage, sink: Sink, orders: Orders) -> None:
        self._plan, self._stage, self._sink = plan, stage, sink
        self._orders = orders
        done = sink.done()
        waiting = [tile for tile in plan.tiles_ij if tile not in done]
        self._agenda = Agenda(waiting, plan.grid)
        self._total = len(plan.tiles_ij)
        self._done = self._total - len(waiting)
        self._unreadable: dict[Tile, str] = {}
        self._flying: deque[tuple[list[Tile], Future[Computed]]] = deque()
        self._heard = 0  # orders that have been obeyed
        self._owes_view = False  # a view has been asked for and nothing of it shown
        self._last_s, self._cost_s = -1e9, 0.0  # when was flushed, how long it took

    def steps(self) -> Iterator[Progress]:
        """Yield progress until nothing is left to do."""
        try:
            self._obey()
            self._fill()  # computing begins while the overlay is being made
            self._sink.open()
            yield self._progress(message=f"computing on {self._stage.device}")
            yield from self._compute_all()
            yield from self._flush()
        except GeneratorExit:
            self._recall()
            list(self._sink.flush())
            raise
        finally:
            self._recall()
        self._sink.mark_unreadable(self._unreadable)
        yield self._progress(message=self._last_words())

    def _compute_all(self) -> Iterator[Progress]:
        while not self._orders.is_stopped:
            self._obey()
            self._fill()
            if self._flying:
                yield from self._take_oldest()
            elif self._orders.is_paused:
                yield from self._rest()
            else:
                return

    # ---- Orders

    def _obey(self) -> None:
        """Put what a person looks at first: also before what has only been read."""
        self._heard = self._orders.count
        view_px0 = self._orders.take_view()
        if view_px0 is not None or self._orders.is_paused:
            self._recall()
        if view_px0 is None:
            return
        self._agenda.look_at(to_level(view_px0, (self._plan.downsample,) * 2))
        self._owes_view = True

    def _recall(self) -> None:
        """Take back the batches that are not being computed yet."""
        staying: deque[tuple[list[Tile], Future[Computed]]] = deque()
        for tiles, future in self._flying:
            if future.cancel():
                self._agenda.give_back(tiles)
            else:
                staying.append((tiles, future))
        self._flying = staying

    def _rest(self) -> Iterator[Progress]:
        """Wait while a person wants it; everything that was in flight is written."""
        yield from self._flush()
        yield self._progress(message="paused")
        orders = self._orders
        orders.wait_for(lambda: orders.is_stopped or not orders.is_paused)

    # ---- Batches

    def _fill(self) -> None:
        while len(self._flying) < self._stage.depth and not self._orders.is_paused:
            tiles = self._agenda.take(self._plan.batch)
            if not tiles:
                return
            future = self._stage.submit(tiles)
            future.add_done_callback(lambda _future: self._orders.wake())
            self._flying.append((tiles, future))

    def _take_oldest(self) -> Iterator[Progress]:
        """Wait for a batch, unless an order comes first, and keep what it gave."""
        oldest = self._flying[0][1]
        self._orders.wait_for(
            lambda: oldest.done() or self._orders.count != self._heard
        )
        if not oldest.done():
            return
        tiles, future = self._flying.popleft()
        computed = future.result()
        self._fill()  # the next one is read while this one is written
        if computed.tiles:
            self._sink.add(computed.tiles, computed.values)
        self._done += len(tiles)
        if computed.unreadable:
            self._unreadable.update(computed.unreadable)
            self._sink.mark_unreadable(self._unreadable)
        yield self._progress()
        if self._is_due(computed.tiles):
            yield from self._flush()

    # ---- What can be seen

    def _is_due(self, tiles: Sequence[Tile]) -> bool:
        """Whether to show results: those in view at once, others now and then."""
        since_s = time.monotonic() - self._last_s
        if not any(map(self._agenda.is_in_view, tiles)):
            return since_s >= _LEAST_S and since_s * _SHARE >= self._cost_s
        is_first, self._owes_view = self._owes_view, False
        is_last = not self._agenda.next_is_in_view()
        return is_first or is_last or since_s * _SHARE_IN_VIEW >= self._cost_s

    def _flush(self) -> Iterator[Progress]:
        start_s = time.monotonic()
        boxes = list(self._sink.flush())
        self._last_s = time.monotonic()
        self._cost_s = self._last_s - start_s
        for box in boxes:
            yield self._progress(box)

    def _progress(self, box: Box | None = None, message: str = "") -> Progress:
        return Progress(self._done, self._total, box, message)

    def _last_words(self) -> str:
        if not self._unreadable:
            return ""
        first = next(iter(self._unreadable.values()))
        count = len(self._unreadable)
        return (
            f"{count} tile{'s' if count > 1 else ''} could not be read and "
            f"{'are' if count > 1 else 'is'} left out ({first}); run again to try them "
            f"once more"
        )
