"""Tiles on demand: a cache that never blocks, filled by threads in the background."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from napari_histossl.errors import SlideReadError
from napari_histossl.slide._tile_cache import TileCache
from napari_histossl.slide._tile_order import keys_of_level
from napari_histossl.slide._tile_plan import READS_AT_ONCE, Read, ReadPlan, is_coarsest
from napari_histossl.slide._tile_source import TileKey, TileSource

BUDGET_BYTES = 384 << 20
"""Default size of the cache, for all open slides together."""

_logger = logging.getLogger(__name__)

Listener = Callable[[TileKey], None]


@dataclass(frozen=True, slots=True)
class TileStats:
    """How a tile service is doing.

    Attributes
    ----------
    held_bytes, budget_bytes, pinned_bytes : int
        Memory of decoded tiles, its limit, and what of it is never dropped.
    tiles : int
        Tiles in the cache.
    queued, running : int
        Tiles that wait to be read and that are being read.
    stalled : int
        Reads that have not come back for longer than they should take.
    decoded : int
        Tiles read successfully so far.
    failed : int
        Tiles that could not be read when last tried.
    hits, misses : int
        Calls of `get` that returned a tile and None.
    threads : int
        Threads that read, the idle ones included.
    """

    held_bytes: int
    budget_bytes: int
    pinned_bytes: int
    tiles: int
    queued: int
    running: int
    stalled: int
    decoded: int
    failed: int
    hits: int
    misses: int
    threads: int


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How one source is doing.

    Attributes
    ----------
    decoded, failed : int
        Tiles read so far, and tiles that could not be read when last tried.
    running, stalled : int
        Reads in flight, and those of them that take too long.
    stalled_s : float
        For how long the oldest of them has lasted; 0 when none is stalled.
    is_slow : bool
        True if reads mostly wait for a drive or a network.
    error : Exception or None
        What the latest failure that still stands says.
    """

    decoded: int
    failed: int
    running: int
    stalled: int
    stalled_s: float
    is_slow: bool
    error: Exception | None


class TileService:
    """Decoded tiles of any number of sources, within one budget of memory.

    Parameters
    ----------
    budget_bytes : int, optional
        Memory for decoded tiles of all sources.
    workers : int, optional
        Reads that may keep a core busy at the same time; by default one core is left
        to whoever draws, but at least two workers run.
    stall_s : float, optional
        A read that lasts longer counts as stalled; another worker takes its place.
    retry_s : float, optional
        First pause before a tile that failed is tried again, while it is wanted.
    niceness : int, optional
        By how much the threads step back behind others (Linux only).

    Notes
    -----
    `get`, `want` and all others but `close` return at once: they never read, decode or
    wait for a read. Safe to use from any thread.

    The coarsest level of every source is read first and stays in memory, so that
    there is always something to draw.
    """

    def __init__(
        self,
        budget_bytes: int = BUDGET_BYTES,
        *,
        workers: int | None = None,
        stall_s: float = 2.0,
        retry_s: float = 2.0,
        niceness: int = 0,
    ) -> None:
        count = workers or default_workers()
        self._ready = threading.Condition(threading.Lock())
        self._cache = TileCache(budget_bytes)
        self._plan = ReadPlan(self._cache, count, stall_s, retry_s)
        self._niceness = niceness
        self._most_threads = 4 * max(count, READS_AT_ONCE)
        self._threads: list[threading.Thread] = []
        self._listeners: tuple[Listener, ...] = ()
        self._watching = 0
        self._hits = self._misses = self._decoded = 0
        self._closing = False
        for _ in range(count + 1):  # one to step in for a read that hangs
            self._start_thread()

    # ---- Sources ----

    def add(self, source: TileSource) -> None:
        """Serve a source and read its coarsest level. The caller closes the source."""
        top = len(source.levels) - 1
        base = keys_of_level(source, top)
        base.reverse()
        with self._ready:
            self._plan.add(source, base)
            self._ready.notify()

    def remove(self, source: TileSource) -> None:
        """Serve a source no more and free its tiles; reads in flight go nowhere."""
        with self._ready:
            self._plan.forget(source)
            self._cache.forget(source)

    # ---- Tiles ----

    def get(
        self, source: TileSource, level: int, ty: int, tx: int
    ) -> NDArray[Any] | None:
        """Return a tile if it is there; never blocks, never decodes.

        Parameters
        ----------
        source : TileSource
            One that was added.
        level, ty, tx : int
            Level, and row and column in its grid.

        Returns
        -------
        ndarray or None
            Read-only, of the source's `tile_shape`; None if it has not been decoded,
            could not be, or has been dropped: see `want`.
        """
        with self._ready:
            tile = self._cache.get((source, level, ty, tx))
            if tile is None:
                self._misses += 1
            else:
                self._hits += 1
            return tile

    def has(self, source: TileSource, level: int, ty: int, tx: int) -> bool:
        """Return True if `get` would return a tile; does not count as using it."""
        with self._ready:
            return (source, level, ty, tx) in self._cache

    def want(self, keys: Iterable[TileKey]) -> None:
        """Replace the queue by these tiles, the most urgent first.

        Parameters
        ----------
        keys : iterable of (source, level, ty, tx)
            See `keys_in_view` for an order. What is in the cache, is being read or
            belongs to a source that was not added is passed over.

        Notes
        -----
        What was queued and is not among `keys` is not decoded any more; reads in flight
        end and are kept. A wanted tile that fails is tried again after a pause. Call it
        again when the view moves; nothing else drops what is wanted.
        """
        keys = list(keys)
        with self._ready:
            self._plan.want(keys, time.monotonic())
            self._ready.notify()

    def prefetch(self, keys: Iterable[TileKey]) -> None:
        """Read these tiles when nothing is wanted; the next `want` drops them."""
        keys = list(keys)
        with self._ready:
            self._plan.prefetch(keys)
            self._ready.notify()

    def failed(
        self, source: TileSource, level: int, ty: int, tx: int
    ) -> Exception | None:
        """Return why a tile could not be read when last tried, or None."""
        with self._ready:
            state = self._plan.states.get(source)
            if state is None or not state.failures:
                return None
            failure = state.failures.get((source, level, ty, tx))
            return None if failure is None else failure.error

    def retry(self, source: TileSource) -> None:
        """Try what failed again at once, for instance when a drive is back."""
        with self._ready:
            self._plan.retry(source, time.monotonic())
            self._ready.notify()

    def invalidate(
        self, source: TileSource, keys: Iterable[TileKey] | None = None
    ) -> None:
        """Drop tiles whose pixels have changed; those that are wanted are read anew.

        Parameters
        ----------
        source : TileSource
            A heat map that is being computed, a mask that is being drawn.
        keys : iterable of (source, level, ty, tx), optional
            Tiles to drop, at every level that has changed; by default all.
        """
        with self._ready:
            if keys is None:
                found = {*self._cache.keys_of(source), *self._plan.known(source)}
            else:
                found = set(keys)
            for key in found:
                self._cache.discard(key)
            self._plan.invalidate(found, time.monotonic())
            self._ready.notify()

    # ---- News ----

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a function for every tile that arrives or fails.

        Parameters
        ----------
        listener : callable
            Called with the key, on a worker's thread: keep it short and thread-safe.
            `get` has the tile by then, or `failed` the reason.

        Returns
        -------
        callable
            Ends it; a call that is under way may still come through.
        """
        with self._ready:
            self._listeners = (*self._listeners, listener)

        def end() -> None:
            with self._ready:
                kept = (one for one in self._listeners if one is not listener)
                self._listeners = tuple(kept)

        return end

    def stats(self) -> TileStats:
        """Return how things are now."""
        with self._ready:
            plan, cache = self._plan, self._cache
            return TileStats(
                held_bytes=cache.held_bytes,
                budget_bytes=cache.budget_bytes,
                pinned_bytes=cache.pinned_bytes,
                tiles=len(cache),
                queued=plan.queued,
                running=len(plan.running),
                stalled=len(plan.stalled(time.monotonic())),
                decoded=self._decoded,
                failed=sum(len(state.failures) for state in plan.states.values()),
                hits=self._hits,
                misses=self._misses,
                threads=len(self._threads),
            )

    def health(self, source: TileSource) -> SourceHealth:
        """Return how a source is doing; all zero for one that was not added."""
        with self._ready:
            state = self._plan.states.get(source)
            if state is None:
                return SourceHealth(0, 0, 0, 0, 0.0, False, None)
            stalled = self._plan.stalled(time.monotonic(), source)
            failures = list(state.failures.values())
            return SourceHealth(
                decoded=state.decoded,
                failed=len(failures),
                running=state.running,
                stalled=len(stalled),
                stalled_s=max(stalled, default=0.0),
                is_slow=state.is_slow,
                error=failures[-1].error if failures else None,
            )

    # ---- Threads ----

    def _start_thread(self) -> None:
        thread = threading.Thread(
            target=self._work, name=f"tiles-{len(self._threads)}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        _step_back(self._niceness)
        read = self._next_read()
        while read is not None:
            self._carry_out(read)
            del read  # no tile's source lives on in an idle thread
            read = self._next_read()

    def _next_read(self) -> Read | None:
        """Wait for something to do; None when the service closes."""
        with self._ready:
            while not self._closing:
                now_s = time.monotonic()
                read = self._plan.take(now_s)
                if read is not None:
                    self._call_next(now_s)
                    return read
                patience_s = self._plan.patience_s(now_s)
                self._watching += patience_s is not None
                self._ready.wait(patience_s)
                self._watching -= patience_s is not None
            return None

    def _call_next(self, now_s: float) -> None:
        """Before a worker is busy: wake the next one, or make one.

        Where nothing can start now, somebody has to watch for reads that stall.
        """
        if len(self._threads) <= len(self._plan.running):
            if len(self._threads) < self._most_threads:
                self._start_thread()
        elif self._plan.could_start(now_s) or (
            self._plan.queued and not self._watching
        ):
            self._ready.notify()

    def _carry_out(self, read: Read) -> None:
        source, level, ty, tx = read.key
        wall_s, work_s = time.perf_counter(), time.thread_time()
        tile: NDArray[Any] | None = None
        error: Exception | None = None
        try:
            tile = source.read_tile_using(level, ty, tx, self._peek)
        except SlideReadError as known:
            error = known
        except Exception as unknown:
            # a bug in one source must not end the threads that serve all others
            _logger.exception("%s: level %d, tile %d, %d", source.name, level, ty, tx)
            error = unknown
        wall_s = time.perf_counter() - wall_s
        work_s = time.thread_time() - work_s
        with self._ready:
            read.state.note_time(wall_s, work_s)
            is_served = self._note(read, tile, error)
            listeners = self._listeners if is_served else ()
        for listener in listeners:
            _tell(listener, read.key)

    def _note(
        self, read: Read, tile: NDArray[Any] | None, error: Exception | None
    ) -> bool:
        now_s = time.monotonic()
        if error is not None or tile is None:
            assert error is not None
            return self._plan.failed(read, error, now_s)
        self._decoded += 1
        is_served = self._plan.succeeded(read, now_s)
        if is_served:
            self._cache.put(read.key, tile, pin=is_coarsest(read.key))
        return is_served

    def _peek(
        self, source: TileSource, level: int, ty: int, tx: int
    ) -> NDArray[Any] | None:
        with self._ready:
            return self._cache.get((source, level, ty, tx))

    def close(self, timeout_s: float = 1.0) -> None:
        """End all threads and free all tiles; reads that hang are left behind.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait for reads in flight. Threads that are still reading then
            end by themselves, and do not keep the program running.
        """
        with self._ready:
            self._closing = True
            self._listeners = ()
            for source in list(self._plan.states):
                self._plan.forget(source)
                self._cache.forget(source)
            self._ready.notify_all()
            threads = list(self._threads)
        deadline_s = time.monotonic() + timeout_s
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline_s - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def default_workers() -> int:
    """Return how many tiles to decode at once: cores less one, but 2 to 8."""
    return min(8, max(2, (os.cpu_count() or 2) - 1))


def _step_back(niceness: int) -> None:
    if niceness and sys.platform == "linux":  # there every thread has a niceness
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)


def _tell(listener: Listener, key: TileKey) -> None:
    try:
        listener(key)
    except Exception:
        _logger.exception("a listener of the tile service failed")
