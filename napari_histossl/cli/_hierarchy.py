"""Attention of a patch model and a region model, from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli._batch import (
    OptionalSlide,
    SlidesOption,
    carry_out,
    each_slide,
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
    from napari_histossl.panels.hierarchy import HierarchyChoice
    from napari_histossl.panels.slide_list import ListedSlide


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command()(hierarchy)


def hierarchy(
    region_weights: Annotated[
        Path, typer.Option(help="File of weights of the region model.")
    ],
    slide: OptionalSlide = None,
    slides: SlidesOption = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights of the patch model; by default the sample weights."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Patch model, for weights that do not say which.")
    ] = "",
    region_model: Annotated[
        str, typer.Option(help="Region model, for weights that do not say which.")
    ] = "",
    shifted: Annotated[
        bool, typer.Option("--shifted", help="Average shifted passes: softer borders.")
    ] = False,
    as_published: Annotated[
        bool,
        typer.Option(
            "--as-published", help="Shifted passes one by one, margins as published."
        ),
    ] = False,
    mpp: MppOption = None,
    name: Annotated[str, typer.Option(help="Name of the overlay.")] = "",
    workspace: WorkspaceOption = None,
    batch: BatchOption = None,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    plan_only: PlanOnlyOption = False,
) -> None:
    """Compute two levels of attention: in patches, and among the patches of a region.

    Writes the ranks of every head of both models and their weighed mean, as published
    with HIPT. What was interrupted goes on where it was.
    """
    from napari_histossl.panels.hierarchy import HierarchyChoice

    def compute(listed: ListedSlide) -> None:
        choice = HierarchyChoice(
            weights=weights,
            model=model,
            region_weights=region_weights,
            region_model=region_model,
            shifted=shifted or as_published,
            as_published=as_published,
            mpp=listed.mpp,
            name=name,
            workspace=workspace,
            batch=batch,
            device=device,
            overwrite=overwrite,
        )
        _compute(listed, choice, plan_only=plan_only)

    each_slide(slide, slides, mpp, compute)


def _compute(listed: ListedSlide, choice: HierarchyChoice, *, plan_only: bool) -> None:
    from napari_histossl.panels.hierarchy import resolve_hierarchy, summarise_hierarchy

    source, plan = plan_for(listed, choice, resolve_hierarchy)
    print(summarise_hierarchy(plan))
    if not plan_only:
        carry_out(source, plan, "hierarchy")
