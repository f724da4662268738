"""How long a picture has been seen, and how much of that nobody did anything."""

from __future__ import annotations

from collections.abc import Callable

_NS_PER_MS = 1_000_000


class Watch:
    """Measures one picture after another; stands still while none is seen.

    Parameters
    ----------
    clock : callable
        Returns nanoseconds that never go back.
    idle_s : float
        Seconds without input from which they count as idle.
    """

    def __init__(self, clock: Callable[[], int], idle_s: float) -> None:
        self._clock = clock
        self._idle_ms = idle_s * 1000
        self.reset()

    def reset(self) -> None:
        """Forget the picture; nothing is seen."""
        self._seen_ns = 0
        self._since_ns: int | None = None
        self._last_input_ms = 0
        self._idle_so_far_ms = 0
        self._first_input_ms: int | None = None

    @property
    def is_running(self) -> bool:
        """Whether the picture is on the screen."""
        return self._since_ns is not None

    def start(self) -> None:
        """Note that the picture is on the screen now."""
        if self._since_ns is None:
            self._since_ns = self._clock()

    def stop(self) -> None:
        """Note that it is not on the screen any more."""
        self._seen_ns = self._elapsed_ns()
        self._since_ns = None

    def touch(self) -> None:
        """Note that the reader did something."""
        if self._since_ns is None:
            return
        now_ms = self.seen_ms
        if self._first_input_ms is None:
            self._first_input_ms = now_ms
        self._idle_so_far_ms = self.idle_ms
        self._last_input_ms = now_ms

    @property
    def seen_ms(self) -> int:
        """Milliseconds that the picture has been on the screen."""
        return self._elapsed_ns() // _NS_PER_MS

    @property
    def quiet_ms(self) -> int:
        """Milliseconds since the reader did something, or since the picture came."""
        return self.seen_ms - self._last_input_ms

    @property
    def idle_ms(self) -> int:
        """Milliseconds in stretches without input that were long enough to count."""
        quiet = self.quiet_ms
        return self._idle_so_far_ms + (quiet if quiet > self._idle_ms else 0)

    @property
    def first_input_ms(self) -> int | None:
        """When the reader first did something; None if never."""
        return self._first_input_ms

    def _elapsed_ns(self) -> int:
        since = self._since_ns
        return self._seen_ns + (0 if since is None else self._clock() - since)
