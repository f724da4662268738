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
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(help="Folder for results; by default they lie beside the slide."),
]
BatchOption = Annotated[
    int | None,
    typer.Option(help="Tiles computed at once; by default what suits the model."),
]
DeviceOption = Annotated[
    str, typer.Option(help="auto, cpu, cuda or mps; auto takes a GPU if there is one.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace what is there.")
]
PlanOnlyOption = Annotated[
    bool, typer.Option("--plan", help="Show what would be done, and stop.")
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
