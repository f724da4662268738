"""Commands that open a window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_histossl.cli._common import MppOption


def register(app: typer.Typer) -> None:
    """Add ``view`` and ``demo``."""
    app.command()(view)
    app.command()(demo)


def view(
    slides: Annotated[
        list[Path] | None,
        typer.Argument(help="Slides, pictures, or PANDA's *_mask.tiff."),
    ] = None,
    mpp: MppOption = None,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder for results; else beside the slide.")
    ] = None,
) -> None:
    """Open slides, or masks of PANDA on theirs, in napari with the HistoSSL dock."""
    from napari_histossl.widgets.view import view as open_view

    open_view(slides or [], mpp, workspace)


def demo(
    out: Annotated[
        Path | None,
        typer.Option(help="Write pictures of the window into this folder and exit."),
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder for the demo's overlay and mask.")
    ] = None,
) -> None:
    """Open the sample slide with its attention overlay, its mask and the dock."""
    from napari_histossl.widgets.demo import run_demo

    for path in run_demo(out, workspace or out or Path("demo_output")):
        typer.echo(f"wrote {path}")
