"""Attention of a model on slides, from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli._batch import (
    OptionalSlide,
    SlidesOption,
    carry_out,
    each_slide,
    measured,
    plan_for,
)
from napari_histossl.cli._common import (
    BatchOption,
    DeviceOption,
    MppOption,
    OverwriteOption,
    PlanOnlyOption,
    WorkspaceOption,
)
from napari_histossl.errors import PlanError

if TYPE_CHECKING:
    from napari_histossl.panels import AttentionChoice
    from napari_histossl.panels.slide_list import ListedSlide


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("attention")(attention)


def attention(
    slide: OptionalSlide = None,
    slides: SlidesOption = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="File of weights, or a name that was added."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model, for weights that do not say which.")
    ] = "",
    mpp: MppOption = None,
    name: Annotated[str, typer.Option(help="Name of the overlay.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the OME-Zarr to write.")
    ] = None,
    workspace: WorkspaceOption = None,
    block: Annotated[
        int, typer.Option(help="Block of the model; -1 is the last one.")
    ] = -1,
    values: Annotated[
        str,
        typer.Option(
            help="relative (1 is uniform), softmax, or rank within a tile in percent."
        ),
    ] = "relative",
    mean: Annotated[
        bool, typer.Option("--mean", help="Also store the mean of all heads.")
    ] = False,
    overlap: Annotated[
        float, typer.Option(help="Share of a tile that the next covers, up to 0.75.")
    ] = 0.0,
    batch: BatchOption = None,
    device: DeviceOption = "auto",
    full_precision: Annotated[
        bool, typer.Option("--full-precision", help="Single precision on a GPU too.")
    ] = False,
    overwrite: OverwriteOption = False,
    plan_only: PlanOnlyOption = False,
) -> None:
    """Compute what a model attends to on the tissue of a slide, or of a table of them.

    Writes one channel per attention head. A run that was interrupted goes on where it
    was when the same command is given again.
    """
    if out is not None and slides is not None:
        raise PlanError(
            "--out names one overlay; for a table of slides give --workspace, or leave "
            "it out to write beside each slide"
        )

    def compute(listed: ListedSlide) -> None:
        from napari_histossl.panels import AttentionChoice

        choice = AttentionChoice(
            weights=weights,
            model=model,
            mpp=listed.mpp,
            name=name,
            out=out,
            workspace=workspace,
            batch=batch,
            overwrite=overwrite,
            block=block,
            values=values,  # type: ignore[arg-type]  # resolve() refuses others
            mean_of_heads=mean,
            overlap=overlap,
            device=device,
            precision="full" if full_precision else "auto",
        )
        _compute(listed, choice, plan_only=plan_only)

    each_slide(slide, slides, mpp, compute)


def _compute(listed: ListedSlide, choice: AttentionChoice, *, plan_only: bool) -> None:
    from napari_histossl.panels import resolve

    source, plan = plan_for(listed, choice, resolve)
    plan = measured(source, plan, choice)
    print(plan.summary())
    if not plan_only:
        carry_out(source, plan, "attention")
