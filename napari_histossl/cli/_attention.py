"""Attention of a model on a slide, from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_histossl.cli._common import MppOption, SlideArgument, show_progress


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("attention")(attention)


def attention(
    slide: SlideArgument,
    weights: Annotated[
        Path | None,
        typer.Option(help="File of weights; by default the sample weights."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model, for weights that do not say which.")
    ] = "",
    mpp: MppOption = None,
    name: Annotated[str, typer.Option(help="Name of the overlay.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the OME-Zarr to write.")
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option(help="Folder for results; by default they lie beside the slide."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help="Tiles computed at once; by default measured.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start anew if the overlay exists.")
    ] = False,
    plan_only: Annotated[
        bool, typer.Option("--plan", help="Show what would be done, and stop.")
    ] = False,
) -> None:
    """Compute what a model attends to on the tissue of a slide.

    Writes one channel per attention head. A run that was interrupted goes on where it
    was when the same command is given again.
    """
    from napari_histossl.overlays import run
    from napari_histossl.panels import AttentionChoice, gather, resolve
    from napari_histossl.panels.tissue import saved_or_found
    from napari_histossl.slide import open_slide
    from napari_histossl.store.paths import results_folder

    choice = AttentionChoice(
        weights=weights,
        model=model,
        mpp=mpp,
        name=name,
        out=out,
        workspace=workspace,
        batch=batch,
        overwrite=overwrite,
    )
    with open_slide(slide, mpp) as opened:
        source = opened.source
        tissue = saved_or_found(opened, results_folder(source, workspace))
        plan = resolve(choice, gather(choice, opened, tissue))
    print(plan.summary())
    if not plan_only:
        show_progress(run(source, plan), "attention")
        print(f"written   {plan.out}")
