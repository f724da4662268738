"""Which tile to read next: lanes, limits, second tries. No threads in here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from napari_histossl.errors import SlideUnreachableError
from napari_histossl.slide._tile_cache import TileCache
from napari_histossl.slide._tile_source import TileKey, TileSource

READS_AT_ONCE = 8
"""Reads of one source in flight at most: drives with latency answer several at once."""

_SLOW_READ_S = 0.010
"""A read that takes longer, most of it spent waiting, is limited by the drive."""

_LONGEST_PAUSE_S = 60.0
"""A tile that keeps failing is tried again at least this often while it is wanted."""


@dataclass(slots=True)
class Failure:
    """Why a tile is not there, and when to try again."""

    error: Exception
    tries: int
    due_s: float


@dataclass(slots=True, eq=False)
class SourceState:
    """What is known about a source while it is served."""

    source: TileSource
    running: int = 0
    decoded: int = 0
    failures: dict[TileKey, Failure] = field(default_factory=dict)
    has_gone: bool = False
    mean_wall_s: float = 0.0
    mean_work_s: float = 0.0

    @property
    def is_slow(self) -> bool:
        """True if reads mostly wait for a drive or a network."""
        return (
            self.mean_wall_s > _SLOW_READ_S and self.mean_work_s < self.mean_wall_s / 4
        )

    def note_time(self, wall_s: float, work_s: float) -> None:
        """Take the duration of one read into the running means."""
        self.mean_wall_s += (wall_s - self.mean_wall_s) / 8
        self.mean_work_s += (work_s - self.mean_work_s) / 8


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A read that a worker carries out."""

    key: TileKey
    state: SourceState
    started_s: float
    is_prefetch: bool
    is_costly: bool


class ReadPlan:
    """Lanes of tiles to read: the coarsest levels, what is wanted, what might be.

    Not safe by itself: `TileService` calls it with its lock held. Times are seconds of
    one steady clock, given by the caller.

    Parameters
    ----------
    cache : TileCache
        What is in it is not read.
    workers : int
        Reads that keep a core busy at the same time, at most.
    stall_s : float
        A read that takes longer no longer counts as keeping a core busy.
    retry_s : float
        First pause before a tile that failed is tried again; doubled each time.
    """

    def __init__(
        self, cache: TileCache, workers: int, stall_s: float, retry_s: float
    ) -> None:
        self._cache, self._workers = cache, workers
        self._stall_s, self._retry_s = stall_s, retry_s
        self.states: dict[TileSource, SourceState] = {}
        self.running: dict[TileKey, Read] = {}
        self._base: list[TileKey] = []
        self._queue: list[TileKey] = []  # the next one last
        self._prefetch: list[TileKey] = []
        self._wanted: list[TileKey] = []
        self._stale: set[TileKey] = set()
        self._retry_at_s = math.inf

    # ---- What is asked for ----

    def add(self, source: TileSource, base: Iterable[TileKey]) -> None:
        """Serve a source; its base tiles are read whatever else is wanted."""
        self.states.setdefault(source, SourceState(source))
        self._base += [key for key in base if key not in self._base]

    def forget(self, source: TileSource) -> None:
        """Serve a source no more; reads in flight end, their tiles are dropped."""
        self.states.pop(source, None)
        for lane in (self._base, self._queue, self._prefetch, self._wanted):
            lane[:] = [key for key in lane if key[0] is not source]

    def want(self, keys: Iterable[TileKey], now_s: float) -> None:
        """Replace what is wanted, and drop what was to be prefetched."""
        self._wanted = list(keys)
        self._prefetch = []
        self._queue_wanted(now_s)

    def prefetch(self, keys: Iterable[TileKey]) -> None:
        """Replace what is read when nothing is wanted."""
        self._prefetch = list(keys)
        self._prefetch.reverse()

    def retry(self, source: TileSource, now_s: float) -> None:
        """Try failed tiles of a source again at once where they are wanted."""
        state = self.states.get(source)
        if state is not None:
            for failure in state.failures.values():
                failure.due_s = now_s
            self._queue_wanted(now_s)

    def invalidate(self, keys: Iterable[TileKey], now_s: float) -> None:
        """Read these tiles anew; what is being read of them now is out of date."""
        for key in keys:
            state = self.states.get(key[0])
            if state is None:
                continue
            state.failures.pop(key, None)
            if key in self.running:
                self._stale.add(key)
            elif is_coarsest(key) and key not in self._base:
                self._base.append(key)
        self._queue_wanted(now_s)

    def known(self, source: TileSource) -> list[TileKey]:
        """Return the tiles of a source that are being read or have failed."""
        state = self.states.get(source)
        running = [key for key in self.running if key[0] is source]
        return running if state is None else [*running, *state.failures]

    def _queue_wanted(self, now_s: float) -> None:
        self._retry_at_s = math.inf
        queue = [key for key in self._wanted if self._is_due(key, now_s)]
        queue.reverse()
        self._queue = queue
        for state in self.states.values():
            failed = [key for key in state.failures if is_coarsest(key)]
            due = [key for key in failed if self._is_due(key, now_s)]
            # behind what has not been tried: many failures must not keep that waiting
            self._base[:0] = [key for key in due if key not in self._base]

    def _is_due(self, key: TileKey, now_s: float) -> bool:
        """Return True if a tile is to be read now; remember when, if it is later."""
        state = self.states.get(key[0])
        if state is None or key in self._cache or key in self.running:
            return False
        failure = state.failures.get(key) if state.failures else None
        if failure is None or failure.due_s <= now_s:
            return True
        self._retry_at_s = min(self._retry_at_s, failure.due_s)
        return False

    # ---- What to do ----

    @property
    def queued(self) -> int:
        """Tiles that wait to be read, prefetching aside."""
        return len(self._base) + len(self._queue)

    def take(self, now_s: float) -> Read | None:
        """Return the next read and count it as running, or None for now."""
        if now_s >= self._retry_at_s:
            self._queue_wanted(now_s)
        if not (self._base or self._queue or self._prefetch):
            return None
        is_full = self._busy(now_s) >= self._workers
        key = self._pop(self._base, is_full) or self._pop(self._queue, is_full)
        is_prefetch = key is None
        if is_prefetch and self._is_idle():
            key = self._pop(self._prefetch, is_full)
        if key is None:
            return None
        state = self.states[key[0]]
        read = Read(key, state, now_s, is_prefetch, key[0].is_costly(key[1]))
        self.running[key] = read
        state.running += 1
        return read

    def _pop(self, lane: list[TileKey], is_full: bool) -> TileKey | None:
        for index in range(len(lane) - 1, -1, -1):
            key = lane[index]
            state = self.states.get(key[0])
            if state is None or key in self._cache or key in self.running:
                del lane[index]
            elif self._may_start(key, state, is_full):
                del lane[index]
                return key
        return None

    def _may_start(self, key: TileKey, state: SourceState, is_full: bool) -> bool:
        if state.running >= max(READS_AT_ONCE, self._workers):
            return False
        if is_full and not state.is_slow:
            return False
        if not key[0].is_costly(key[1]):
            return True
        # a tile that takes a second must leave a worker for those that take none
        costly = sum(read.is_costly for read in self.running.values())
        return costly < max(1, self._workers - 1)

    def _busy(self, now_s: float) -> int:
        """Return how many reads keep a core busy: not those that wait for a drive."""
        return sum(
            not read.state.is_slow and now_s - read.started_s < self._stall_s
            for read in self.running.values()
        )

    def _is_idle(self) -> bool:
        """Return True if nothing is wanted and a prefetch would leave a worker free."""
        if self._queue or any(not r.is_prefetch for r in self.running.values()):
            return False
        return len(self.running) < max(1, self._workers - 1)

    def could_start(self, now_s: float) -> bool:
        """Return True if another worker would find something to do."""
        if not (self._base or self._queue or self._prefetch):
            return False
        return self._busy(now_s) < self._workers or any(
            state.is_slow for state in self.states.values()
        )

    def patience_s(self, now_s: float) -> float | None:
        """Return after how long to look again although nobody calls; None for never.

        Reads that stall make room for others, and failed tiles are tried again.
        """
        due_s = self._retry_at_s
        if self.queued and self.running:
            stalls = [read.started_s + self._stall_s for read in self.running.values()]
            due_s = min([due_s, *(stall_s for stall_s in stalls if stall_s > now_s)])
        if due_s == math.inf:
            return None
        return min(max(0.001, due_s - now_s), self._stall_s)

    def stalled(self, now_s: float, source: TileSource | None = None) -> list[float]:
        """Return for how long the reads have lasted that take too long."""
        return [
            now_s - read.started_s
            for read in self.running.values()
            if now_s - read.started_s >= self._stall_s
            and (source is None or read.key[0] is source)
        ]

    # ---- What has come of it ----

    def succeeded(self, read: Read, now_s: float) -> bool:
        """Note a tile that is there; return False if it is not wanted any more."""
        state = self._ended(read, now_s)
        if state is None:
            return False
        state.decoded += 1
        state.failures.pop(read.key, None)
        if state.has_gone:
            self._came_back(state, now_s)
        return True

    def failed(self, read: Read, error: Exception, now_s: float) -> bool:
        """Note a tile that is not there; return False if it is not wanted any more."""
        state = self._ended(read, now_s)
        if state is None:
            return False
        before = state.failures.get(read.key)
        tries = 1 if before is None else before.tries + 1
        pause_s = min(self._retry_s * 2.0 ** (tries - 1), _LONGEST_PAUSE_S)
        state.failures[read.key] = Failure(error, tries, now_s + pause_s)
        state.has_gone = state.has_gone or isinstance(error, SlideUnreachableError)
        if is_coarsest(read.key) or read.key in self._wanted:
            self._retry_at_s = min(self._retry_at_s, now_s + pause_s)
        return True

    def _ended(self, read: Read, now_s: float) -> SourceState | None:
        """Count a read as ended; None if what it brings is not wanted any more."""
        del self.running[read.key]
        read.state.running -= 1
        if read.key in self._stale:
            self._stale.discard(read.key)
            self.invalidate([read.key], now_s)
            return None
        return self.states.get(read.key[0])

    def _came_back(self, state: SourceState, now_s: float) -> None:
        """Try at once what failed while the file did not answer."""
        state.has_gone = False
        for failure in state.failures.values():
            if isinstance(failure.error, SlideUnreachableError):
                failure.due_s = now_s
        self._queue_wanted(now_s)


def is_coarsest(key: TileKey) -> bool:
    """Return True for a tile of the coarsest level, which is always wanted."""
    return key[1] == len(key[0].levels) - 1
