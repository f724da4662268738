"""Tiles on demand: a cache that never blocks, filled by threads in the background."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from napari_histossl.closing import Closing
from napari_histossl.slide._tile_cache import TileCache
from napari_histossl.slide._tile_order import keys_of_level
from napari_histossl.slide._tile_plan import ReadPlan, is_coarsest
from napari_histossl.slide._tile_source import TileKey, TileSource
from napari_histossl.slide._tile_stats import SourceHealth, TileStats
from napari_histossl.slide._tile_workers import (
    Listener,
    TileWorkers,
    default_workers,
)

BUDGET_BYTES = 384 << 20
"""Default size of the cache, for all open slides together."""


class TileService(Closing):
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
        self._cache = TileCache(budget_bytes)
        self._plan = ReadPlan(self._cache, count, stall_s, retry_s)
        self._workers = TileWorkers(self._plan, self._cache, count, niceness)
        self._ready = self._workers.ready
        self._hits = self._misses = self._changes = 0

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

    def load(self, source: TileSource, level: int, ty: int, tx: int) -> NDArray[Any]:
        """Return a tile, reading it here and now if it is not there: this blocks.

        Parameters
        ----------
        source : TileSource
            Kept in the cache only if it was added.
        level, ty, tx : int
            Level, and row and column in its grid.

        Returns
        -------
        ndarray
            Read-only, of the source's `tile_shape`.

        Raises
        ------
        SlideReadError
            If the tile cannot be read.
        """
        key = (source, level, ty, tx)
        with self._ready:
            tile, changes = self._cache.get(key), self._changes
        if tile is None:
            tile = source.read_tile_using(level, ty, tx, self._workers.peek)
            with self._ready:
                if source in self._plan.states and changes == self._changes:
                    self._cache.put(key, tile, pin=is_coarsest(key))
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
            self._changes += 1
            self._plan.invalidate(found, time.monotonic())
            self._ready.notify()

    def replace(self, tiles: Mapping[TileKey, NDArray[Any]]) -> None:
        """Take tiles that somebody has read anew in place of outdated ones.

        Parameters
        ----------
        tiles : mapping of (source, level, ty, tx) to ndarray
            Tiles of sources that were added; nobody writes to them any more.
        """
        with self._ready:
            for key, tile in tiles.items():
                self._cache.discard(key)
                if key[0] in self._plan.states:
                    self._cache.put(key, tile, pin=is_coarsest(key))
            self._changes += 1
            self._plan.invalidate(tiles, time.monotonic())

    def keys(self, source: TileSource) -> list[TileKey]:
        """Return the tiles of a source that are there, being read, or have failed."""
        with self._ready:
            return [*self._cache.keys_of(source), *self._plan.known(source)]

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
            self._workers.listeners = (*self._workers.listeners, listener)

        def end() -> None:
            with self._ready:
                listeners = self._workers.listeners
                self._workers.listeners = tuple(
                    one for one in listeners if one is not listener
                )

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
                decoded=self._workers.decoded,
                failed=sum(len(state.failures) for state in plan.states.values()),
                hits=self._hits,
                misses=self._misses,
                threads=len(self._workers.threads),
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

    def close(self, timeout_s: float = 1.0) -> None:
        """End all threads and free all tiles; reads that hang are left behind.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait for reads in flight. Threads that are still reading then
            end by themselves, and do not keep the program running.
        """
        self._workers.close(timeout_s)
