"""The threads that read tiles, and the one lock that they share with everybody."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from napari_histossl.errors import SlideReadError
from napari_histossl.slide._tile_cache import TileCache
from napari_histossl.slide._tile_plan import READS_AT_ONCE, Read, ReadPlan, is_coarsest
from napari_histossl.slide._tile_source import TileKey, TileSource

_logger = logging.getLogger(__name__)

Listener = Callable[[TileKey], None]
"""Told of every tile that has arrived or failed, on a thread that reads."""


class TileWorkers:
    """Threads that carry out a plan of reads.

    Parameters
    ----------
    plan : ReadPlan
        What to read next.
    cache : TileCache
        Where tiles go.
    count : int
        Threads to begin with, less one that steps in for a read that hangs.
    niceness : int
        By how much they step back behind others (Linux only).

    Attributes
    ----------
    ready : threading.Condition
        Holds the lock of plan, cache and everything here; notify it of new work.
    listeners : tuple of callable
        Told of every tile.
    decoded : int
        Tiles read so far.
    threads : list of Thread
        They end when the service is closed.
    """

    def __init__(
        self, plan: ReadPlan, cache: TileCache, count: int, niceness: int
    ) -> None:
        self._plan, self._cache = plan, cache
        self._niceness = niceness
        self._most_threads = 4 * max(count, READS_AT_ONCE)
        self._watching = 0
        self._closing = False
        self.ready = threading.Condition(threading.Lock())
        self.listeners: tuple[Listener, ...] = ()
        self.threads: list[threading.Thread] = []
        self.decoded = 0
        for _ in range(count + 1):
            self._start_thread()

    def _start_thread(self) -> None:
        thread = threading.Thread(
            target=self._work, name=f"tiles-{len(self.threads)}", daemon=True
        )
        self.threads.append(thread)
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
        with self.ready:
            while not self._closing:
                now_s = time.monotonic()
                read = self._plan.take(now_s)
                if read is not None:
                    self._call_next(now_s)
                    return read
                patience_s = self._plan.patience_s(now_s)
                self._watching += patience_s is not None
                self.ready.wait(patience_s)
                self._watching -= patience_s is not None
            return None

    def _call_next(self, now_s: float) -> None:
        """Before a worker is busy: wake the next one, or make one.

        Where nothing can start now, somebody has to watch for reads that stall.
        """
        if len(self.threads) <= len(self._plan.running):
            if len(self.threads) < self._most_threads:
                self._start_thread()
        elif self._plan.could_start(now_s) or (
            self._plan.queued and not self._watching
        ):
            self.ready.notify()

    def _carry_out(self, read: Read) -> None:
        source, level, ty, tx = read.key
        wall_s, work_s = time.perf_counter(), time.thread_time()
        tile: NDArray[Any] | None = None
        error: Exception | None = None
        try:
            tile = source.read_tile_using(level, ty, tx, self.peek)
        except SlideReadError as known:
            error = known
        except Exception as unknown:
            # a bug in one source must not end the threads that serve all others
            _logger.exception("%s: level %d, tile %d, %d", source.name, level, ty, tx)
            error = unknown
        wall_s = time.perf_counter() - wall_s
        work_s = time.thread_time() - work_s
        with self.ready:
            read.state.note_time(wall_s, work_s)
            is_served = self._note(read, tile, error)
            listeners = self.listeners if is_served else ()
        for listener in listeners:
            _tell(listener, read.key)

    def _note(
        self, read: Read, tile: NDArray[Any] | None, error: Exception | None
    ) -> bool:
        now_s = time.monotonic()
        if error is not None or tile is None:
            assert error is not None
            return self._plan.failed(read, error, now_s)
        self.decoded += 1
        is_served = self._plan.succeeded(read, now_s)
        if is_served:
            self._cache.put(read.key, tile, pin=is_coarsest(read.key))
        return is_served

    def peek(
        self, source: TileSource, level: int, ty: int, tx: int
    ) -> NDArray[Any] | None:
        """Return a tile that is in the cache, or None; a `LookUp` for sources."""
        with self.ready:
            return self._cache.get((source, level, ty, tx))

    def close(self, timeout_s: float) -> None:
        """End all threads, waiting no longer than told for reads in flight."""
        with self.ready:
            self._closing = True
            self.listeners = ()
            for source in list(self._plan.states):
                self._plan.forget(source)
                self._cache.forget(source)
            self.ready.notify_all()
            threads = list(self.threads)
        deadline_s = time.monotonic() + timeout_s
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline_s - time.monotonic()))


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
