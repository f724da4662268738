"""Features of slides from a shell: an embedding for every patch of tissue."""

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

if TYPE_CHECKING:
    from napari_histossl.panels import AttentionChoice
    from napari_histossl.panels.slide_list import ListedSlide


def register(app: typer.Typer) -> None:
    """Add ``features``."""
    app.command()(features)


def features(
    slide: OptionalSlide = None,
    slides: SlidesOption = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="File of weights; by default the sample weights."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model, for weights that do not say which.")
    ] = "",
    mpp: MppOption = None,
    name: Annotated[
        str, typer.Option(help="Name; by default that of the weights.")
    ] = "",
    workspace: WorkspaceOption = None,
    batch: BatchOption = None,
    min_tissue: Annotated[
        float, typer.Option(help="Least share of a patch that is tissue, up to 1.")
    ] = 0.1,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    plan_only: PlanOnlyOption = False,
) -> None:
    """Compute an embedding for every patch of tissue, of a slide or of a table of them.

    What was interrupted goes on where it was when the same command is given again.
    """
    from napari_histossl.panels import AttentionChoice

    def compute(listed: ListedSlide) -> None:
        choice = AttentionChoice(
            weights=weights,
            model=model,
            mpp=listed.mpp,
            name=name,
            workspace=workspace,
            batch=batch,
            min_tissue=min_tissue,
            device=device,
            overwrite=overwrite,
        )
        _compute(listed, choice, plan_only=plan_only)

    each_slide(slide, slides, mpp, compute)


def _compute(listed: ListedSlide, choice: AttentionChoice, *, plan_only: bool) -> None:
    from napari_histossl.panels.features import resolve_features, summarise_features

    source, plan = plan_for(listed, choice, resolve_features)
    plan = measured(source, plan, choice)
    print(summarise_features(plan))
    if not plan_only:
        carry_out(source, plan, "features")
