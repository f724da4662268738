"""A pyramid whose writes stay in memory until they are brought to the disk together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from napari_histossl.store._chunks import Boxes
from napari_histossl.store._guard import store_errors
from napari_histossl.store._held import HeldChunks, Show


class HoldsWrites:
    """What a pyramid does that was opened with ``hold_writes``; see `Pyramid`."""

    path: Path
    _boxes: tuple[Boxes, ...]

    @property
    def held_bytes(self) -> int:
        """Memory taken by what was written and waits for `flush`."""
        return sum(boxes.held_bytes for boxes in self._held())

    @contextmanager
    def hidden(self) -> Iterator[Show]:
        """Hide from other threads what this one writes, until it is shown.

        Yields
        ------
        callable
            Shows all of it, level by level; what is not shown at the end is forgotten.
        """
        with ExitStack() as hiding:
            shows = [hiding.enter_context(boxes.hidden()) for boxes in self._held()]

            def show() -> None:
                for show_level in shows:
                    show_level()

            yield show

    def flush(self) -> None:
        """Bring what is held to the disk, at all levels; one call at a time.

        Raises
        ------
        StoreError
            If the pyramid is not open for writing, or the disk is full; what is not
            on the disk is held as before.
        """
        self._require_lock()
        with store_errors(self.path):
            for boxes in self._held():
                boxes.flush()

    def _held(self) -> Iterator[HeldChunks]:
        return (boxes for boxes in self._boxes if isinstance(boxes, HeldChunks))

    def _require_lock(self) -> None:
        """Refuse what needs a pyramid that is open for writing."""
        raise NotImplementedError
