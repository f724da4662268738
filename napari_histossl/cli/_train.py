"""Train models, from a shell: without labels here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_histossl.cli import _train_data as data
from napari_histossl.cli._train_compare import compare_weak
from napari_histossl.cli._train_patches import classifier, segmenter
from napari_histossl.cli._train_plan import TrainingPlan

OutOption = Annotated[Path, typer.Option(help="File to write, ending in .safetensors.")]
StepsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Optimiser steps; the same number, the same result."),
]
MinutesOption = Annotated[
    float | None, typer.Option(min=0.05, help="Time in place of steps.")
]
BatchOption = Annotated[
    int | None, typer.Option(min=2, help="Pictures a step, if not the recipe's.")
]
SeedOption = Annotated[int, typer.Option(help="Decides weights, order and crops.")]
DeviceOption = Annotated[str, typer.Option(help="Where to compute: cpu, cuda, mps.")]
HalfOption = Annotated[
    bool, typer.Option("--half", help="Store 16-bit numbers: half the size.")
]
AddOption = Annotated[
    bool,
    typer.Option("--add", help="Put a copy among the weights that the window lists."),
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Do not go on with a checkpoint.")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    train = typer.Typer(
        help="Train models on slides, pictures, features or drawn tissue.",
        no_args_is_help=True,
    )
    train.command("dino")(dino)
    train.command("simclr")(simclr)
    train.command("evaluate")(evaluate)
    train.command("classifier")(classifier)
    train.command("segmenter")(segmenter)
    train.command("compare-weak")(compare_weak)
    app.add_typer(train, name="train")


def dino(
    out: OutOption,
    recipe: Annotated[
        str,
        typer.Option(
            help="hipt256 as published, or small, for two processor cores; on grids "
            "hipt4k or small-grid. By default the published one for what is given, "
            "and small for drawn tissue."
        ),
    ] = "",
    slides: data.SlidesOption = None,
    pictures: data.PicturesOption = None,
    grids: Annotated[
        Path | None,
        typer.Option(
            help="Learn regions from a folder of features (rows, columns, D) of a "
            "patch model: .npy, .npz, .zarr."
        ),
    ] = None,
    drawn: data.DrawnOption = 40,
    patches: data.PatchesOption = None,
    patch_px: data.PatchPixelsOption = None,
    at_mpp: data.ScalesOption = None,
    mpp: data.SlideScaleOption = None,
    steps: StepsOption = None,
    minutes: MinutesOption = None,
    batch: BatchOption = None,
    seed: SeedOption = 0,
    threads: data.ThreadsOption = 2,
    device: DeviceOption = "cpu",
    half: HalfOption = False,
    add: AddOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Train a vision transformer without labels (DINO).

    An interrupted training goes on where it was when the same command is given again.
    Beside the weights lie the loss of every step (.csv) and its curve (.png).
    """
    from napari_histossl.training import DINO_PRESETS, DinoTrainer
    from napari_histossl.training.presets import choose

    published = "hipt4k" if grids else "hipt256" if slides or pictures else "small"
    name = recipe or published
    preset = choose(DINO_PRESETS, name)
    choice = data.DataChoice(
        slides, pictures, grids, drawn, patches, patch_px or preset.patch_px,
        tuple(at_mpp or (0.5,)), mpp, seed, threads,
    )  # fmt: skip
    plan = TrainingPlan(
        "DINO", name, preset, steps, minutes, batch, seed, threads, device
    )
    plan.run(DinoTrainer, choice, out, half=half, add=add, overwrite=overwrite)


def simclr(
    out: OutOption,
    recipe: Annotated[
        str,
        typer.Option(
            help="ciga (ResNet-18) or vit_path (ResNet-50) as published, or small, for "
            "two processor cores. By default ciga, and small for drawn tissue."
        ),
    ] = "",
    slides: data.SlidesOption = None,
    pictures: data.PicturesOption = None,
    drawn: data.DrawnOption = 40,
    patches: data.PatchesOption = None,
    patch_px: data.PatchPixelsOption = None,
    at_mpp: data.ScalesOption = None,
    mpp: data.SlideScaleOption = None,
    steps: StepsOption = None,
    minutes: MinutesOption = None,
    batch: BatchOption = None,
    seed: SeedOption = 0,
    threads: data.ThreadsOption = 2,
    device: DeviceOption = "cpu",
    half: HalfOption = False,
    add: AddOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Train a residual network without labels (SimCLR).

    An interrupted training goes on where it was when the same command is given again.
    Beside the weights lie the loss of every step (.csv) and its curve (.png).
    """
    from napari_histossl.training import SIMCLR_PRESETS, SimclrTrainer
    from napari_histossl.training.presets import choose

    name = recipe or ("ciga" if slides or pictures else "small")
    preset = choose(SIMCLR_PRESETS, name)
    choice = data.DataChoice(
        slides, pictures, None, drawn, patches, patch_px or preset.patch_px,
        tuple(at_mpp or (0.5,)), mpp, seed, threads,
    )  # fmt: skip
    plan = TrainingPlan(
        "SimCLR", name, preset, steps, minutes, batch, seed, threads, device
    )
    plan.run(SimclrTrainer, choice, out, half=half, add=add, overwrite=overwrite)


def evaluate(
    weights: Annotated[Path, typer.Argument(help="Weights of a patch transformer.")],
    starts: Annotated[
        int, typer.Option(min=0, help="Random starts to compare with.")
    ] = 5,
    slides: Annotated[int, typer.Option(min=1, max=16, help="Slides a set.")] = 16,
    threads: data.ThreadsOption = 2,
) -> None:
    """Judge the attention of weights on drawn slides of other seeds.

    Lift is the attention mass on nuclei over their share of the area, for the head
    that is best on validation slides; k-NN is the accuracy of 5 neighbours, plain and
    with the test pictures in another stain. Random weights are judged as well.
    """
    import torch

    from napari_histossl.models import load_model
    from napari_histossl.training import drawings, make_sets
    from napari_histossl.training.evaluation import heading, rows

    torch.set_num_threads(threads)
    model, spec = load_model(weights)
    spec.need_attention()
    plans = drawings(slides=slides, mpp=spec.mpp or 0.5)
    titles = ("bank", "validation", "test")
    parts = [
        data.drawn_patches(plan, threads, f"drawing {title}")
        for plan, title in zip(plans, titles, strict=True)
    ]
    sets = make_sets(*parts)
    print(heading())
    for line in rows(model, spec, sets, starts=starts):
        print(line, flush=True)
