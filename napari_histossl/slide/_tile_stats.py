"""How a tile service and its sources are doing."""

from __future__ import annotations

from dataclasses import dataclass


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
