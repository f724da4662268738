"""What several commands share: a bar with the time left, and options."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from napari_histossl.jobs import Progress

SlideArgument = Annotated[Path, typer.Argument(help="A slide or a picture.")]
MppOption = Annotated[
    float | None,
    typer.Option(help="Micrometres per pixel, for a slide that does not say."),
]


def show_progress(work: Iterator[Progress], title: str) -> None:
    """Run a generator of progress to its end and draw a bar with the time left.

    Interrupting (Ctrl+C) closes the generator, so that what is finished stays finished.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[message]}"),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, message="")
        try:
            for progress in work:
                bar.update(
                    task,
                    completed=progress.done,
                    total=progress.total or None,
                    message=progress.message,
                )
        finally:
            close = getattr(work, "close", None)
            if close is not None:
                close()
