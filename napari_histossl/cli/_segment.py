"""Tissue of slides by classes, from a shell: segmentation, and maps of a classifier."""

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
    from napari_histossl.panels.slide_list import ListedSlide

NameOption = Annotated[str, typer.Option(help="Name of the overlay.")]
ClassifierOption = Annotated[
    Path | None,
    typer.Option(
        help="Weights of the classifier, or a name that was added; by default the "
        "sample."
    ),
]
EpsilonOption = Annotated[
    float,
    typer.Option(help="A class is absent where its probability is at most this."),
]
RecipeOption = Annotated[
    str,
    typer.Option(help="paper or published, where they differ; by default the weights'"),
]
PixelOption = Annotated[
    int | None,
    typer.Option(
        help="Edge of a stored pixel in pixels that the model reads; by default what "
        "makes at most 2 micrometres."
    ),
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("segment")(segment)
    app.command("class-maps")(class_maps)


def segment(
    slide: OptionalSlide = None,
    slides: SlidesOption = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Weights of the segmenter, or a name that was added; by default the "
            "sample."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Segmenter, for weights that do not say which.")
    ] = "",
    classifier: ClassifierOption = None,
    classifier_model: Annotated[
        str, typer.Option(help="Classifier, for weights that do not say which.")
    ] = "",
    gate: Annotated[
        bool,
        typer.Option(
            "--gate/--no-gate",
            help="Take classes that the classifier does not find out of a window.",
        ),
    ] = True,
    epsilon: EpsilonOption = 0.1,
    recipe: RecipeOption = "",
    overlap: Annotated[
        float, typer.Option(help="Share of a window that the next covers, up to 0.75.")
    ] = 0.25,
    pixel: PixelOption = None,
    mpp: MppOption = None,
    name: NameOption = "",
    workspace: WorkspaceOption = None,
    batch: BatchOption = None,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    plan_only: PlanOnlyOption = False,
) -> None:
    """Segment the tissue of a slide, or of a table of them, window by window.

    Writes the probability of every class, and the labels that follow, from which a
    mask can be started. A run that was interrupted goes on where it was when the same
    command is given again.
    """

    def work(listed: ListedSlide) -> None:
        from napari_histossl.panels.class_models import weights_file
        from napari_histossl.panels.segmentation import (
            SegmentationChoice,
            resolve_segmentation,
            summarise_segmentation,
        )

        choice = SegmentationChoice(
            weights=weights_file(weights, "segmenter"),
            model=model,
            classifier=classifier,
            classifier_model=classifier_model,
            gate=gate,
            epsilon=epsilon,
            recipe=recipe,
            overlap=overlap,
            pixel_px=pixel,
            mpp=listed.mpp,
            name=name,
            workspace=workspace,
            batch=batch,
            device=device,
            overwrite=overwrite,
        )
        source, plan = plan_for(listed, choice, resolve_segmentation)
        plan = measured(source, plan, choice)
        print(summarise_segmentation(plan))
        if not plan_only:
            carry_out(source, plan, "segment")
            print(f"labels    {dict(plan.options)['labels']}")

    each_slide(slide, slides, mpp, work)


def class_maps(
    slide: OptionalSlide = None,
    slides: SlidesOption = None,
    classifier: ClassifierOption = None,
    model: Annotated[
        str, typer.Option(help="Classifier, for weights that do not say which.")
    ] = "",
    epsilon: EpsilonOption = 0.1,
    recipe: RecipeOption = "",
    pixel: PixelOption = None,
    mpp: MppOption = None,
    name: NameOption = "",
    workspace: WorkspaceOption = None,
    batch: BatchOption = None,
    device: DeviceOption = "auto",
    overwrite: OverwriteOption = False,
    plan_only: PlanOnlyOption = False,
) -> None:
    """Show what a classifier sees on a slide, or on a table of them, tile by tile.

    Writes its probability of every class, class activation maps of three layers and of
    the last one, and the pseudo-masks that follow from them.
    """

    def work(listed: ListedSlide) -> None:
        from napari_histossl.panels.class_maps import (
            ClassMapChoice,
            resolve_class_maps,
            summarise_class_maps,
        )
        from napari_histossl.panels.class_models import weights_file

        choice = ClassMapChoice(
            weights=weights_file(classifier, "classifier"),
            model=model,
            epsilon=epsilon,
            recipe=recipe,
            pixel_px=pixel,
            mpp=listed.mpp,
            name=name,
            workspace=workspace,
            batch=batch,
            device=device,
            overwrite=overwrite,
        )
        source, plan = plan_for(listed, choice, resolve_class_maps)
        plan = measured(source, plan, choice)
        print(summarise_class_maps(plan))
        if not plan_only:
            carry_out(source, plan, "class maps")

    each_slide(slide, slides, mpp, work)
