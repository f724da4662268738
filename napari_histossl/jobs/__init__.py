"""Long work as generators of `Progress`, and how to run it in another process.

The core never calls up: a long function is a generator that yields `Progress`. Who
listens is not its business. A command line draws a bar, a test calls ``list()``, the
window runs the generator in a worker process and receives the records over a pipe.
Closing the generator stops the work; whatever it holds is released in ``finally``.

Work that takes a parameter ``orders`` can be told things while it goes on: where a
person looks, to pause, to stop.
"""

from __future__ import annotations

from napari_histossl.jobs._messages import (
    Answer,
    Ask,
    Ended,
    Reply,
    Start,
    Tell,
    pack,
    receive,
    send,
)
from napari_histossl.jobs._orders import Order, Orders
from napari_histossl.jobs._progress import (
    Failure,
    Job,
    Progress,
    Stopwatch,
    is_resumable,
    resumable,
)
from napari_histossl.jobs._serving import serve

__all__ = [
    "Answer",
    "Ask",
    "Ended",
    "Failure",
    "Job",
    "Order",
    "Orders",
    "Progress",
    "Reply",
    "Start",
    "Stopwatch",
    "Tell",
    "is_resumable",
    "pack",
    "receive",
    "resumable",
    "send",
    "serve",
]
