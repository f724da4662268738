"""The one thread that changes a mask: one edit after another, durable each."""

from __future__ import annotations

import atexit
import ctypes
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from napari_histossl.annotate import MaskStore, Receipt
from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.panels.mask_tiles import Fresh
from napari_histossl.panels.sketches import Sketch

_log = logging.getLogger(__name__)

_IDLE_S = 0.25
"""Blocks that large strokes owe are filled when nothing was drawn for so long."""

_TRIM_EVERY = 250
"""Edits after which memory is given back: some 30 kB an edit lie in holes."""

_FILL_AT_END_S = 1.0
"""How long closing goes on filling; the rest is owed to who opens the mask next."""

_LAST_S = 60.0
"""How long the end of the program waits for edits: a disk may have gone."""


def give_back_memory() -> None:
    """Give the system back what was freed, where the C library would keep it.

    glibc keeps free memory that lies below memory in use; a sitting of thousands of
    strokes leaves holes of hundreds of megabytes otherwise.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
        if trim is not None:
            trim(0)


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """A change of a mask that waits for its turn.

    Attributes
    ----------
    do : callable
        Changes the store; what it returns is durable.
    sketch : Sketch or None
        How it looks until then.
    look : callable or None
        Reads, in the same thread, what is to be shown of the outcome.
    """

    do: Callable[[], Receipt]
    sketch: Sketch | None = None
    look: Callable[[Receipt], Fresh] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """An edit that is durable.

    Attributes
    ----------
    receipt : Receipt
        What became of it.
    fresh : Fresh or None
        How it looks, where that was asked for.
    """

    receipt: Receipt
    fresh: Fresh | None = None


Outcome = Done | Exception
"""What came of an edit."""

Tell = Callable[[Edit | None, Outcome | None], object]
"""Hears of every edit what came of it, None where it was given up because the one
before failed; and (None, None) when blocks were filled."""


class MaskWriter:
    """Changes a mask in the order in which that was asked for.

    Parameters
    ----------
    store : MaskStore
        The mask; nobody else changes it, and it is closed by `close`.
    tell : callable
        Called in the thread.

    Notes
    -----
    After an edit that failed, those behind it are not done: they were made upon a
    picture that is not true.
    """

    def __init__(self, store: MaskStore, tell: Tell) -> None:
        self._store, self._tell = store, tell
        self._news = threading.Condition()
        self._edits: deque[Edit] = deque()
        self._is_busy = self._is_closing = False
        self._near: Box | None = None
        self._filling: Iterator[Progress] | None = None
        self._fills = not store.read_only
        self._done = 0
        self._fill_until_s = 0.0
        self._thread = threading.Thread(
            target=self._run, daemon=True, name="mask writer"
        )
        self._thread.start()
        atexit.register(self.close, _LAST_S)

    @property
    def waiting(self) -> int:
        """Edits that are not durable yet."""
        with self._news:
            return len(self._edits) + self._is_busy

    def add(self, edit: Edit) -> None:
        """Do an edit when those before it are done."""
        with self._news:
            self._edits.append(edit)
            self._news.notify()

    def look_at(self, near_px0: Box | None) -> None:
        """Fill first what lies in a box of the mask."""
        with self._news:
            if near_px0 != self._near:
                self._near, self._filling = near_px0, None

    def close(self, patience_s: float) -> bool:
        """Finish all edits, fill a little, bring all to the disk, close the store.

        Parameters
        ----------
        patience_s : float
            How long to wait; the thread goes on after that.

        Returns
        -------
        bool
            Whether everything is finished.
        """
        with self._news:
            if not self._is_closing:
                self._is_closing = True
                self._fill_until_s = time.monotonic() + _FILL_AT_END_S
            self._news.notify()
        self._thread.join(patience_s)
        is_finished = not self._thread.is_alive()
        if is_finished:
            atexit.unregister(self.close)
        return is_finished

    # ---- In the thread

    def _run(self) -> None:
        try:
            while (edit := self._next()) is not None:
                self._do(edit)
                del edit  # it may hold parts of the window
            self._end()
        except BaseException as error:  # a defect: said, and nothing more is taken
            self._fail(None, error if isinstance(error, Exception) else None)
            raise

    def _next(self) -> Edit | None:
        """Return the next edit, filling blocks meanwhile; None at the end."""
        last_s = time.monotonic()
        while True:
            with self._news:
                self._is_busy = False
                if not self._edits and not self._is_closing:
                    owes = self._fills and self._store.owed_blocks > 0
                    self._news.wait(_IDLE_S if owes else None)
                if self._edits:
                    self._is_busy = True
                    return self._edits.popleft()
                if self._is_closing:
                    return None
            if self._fills and time.monotonic() - last_s >= _IDLE_S:
                self._fill()

    def _do(self, edit: Edit) -> None:
        try:
            receipt = edit.do()
        except HistoSSLError as error:
            self._fail(edit, error)
            return
        self._fills = True
        self._tell(edit, Done(receipt, self._look(edit, receipt)))
        self._done += 1
        if self._done % _TRIM_EVERY == 0:
            give_back_memory()

    def _look(self, edit: Edit, receipt: Receipt) -> Fresh | None:
        try:
            return None if edit.look is None else edit.look(receipt)
        except HistoSSLError:  # whoever draws it tells that it cannot be read
            return None

    def _fail(self, edit: Edit | None, error: Exception | None) -> None:
        with self._news:
            behind = list(self._edits)
            self._edits.clear()
        self._tell(edit, error)
        for one in behind:
            self._tell(one, None)

    def _fill(self) -> None:
        """Fill a few blocks; what is left waits for the next pause."""
        while self._store.owed_blocks:
            with self._news:
                if self._edits or (self._is_closing and self._is_late()):
                    return
                if self._filling is None:
                    self._filling = self._store.settle(self._near)
                steps = self._filling
            try:
                next(steps, None)
            except HistoSSLError as error:
                self._fills = False  # until something can be saved again
                self._tell(None, error)
                return
        self._filling = None  # its last step would wait for the disk
        self._tell(None, None)

    def _is_late(self) -> bool:
        return time.monotonic() > self._fill_until_s

    def _end(self) -> None:
        try:
            if self._fills:
                self._fill()
            self._store.close(settle=False)
        except HistoSSLError as error:
            self._tell(None, error)
        except RuntimeError:  # no threads any more, the program ends
            _log.warning("what the journal has is applied when the mask is opened")
