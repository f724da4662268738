"""Train small models and judge them, from a shell."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli._common import show_progress

if TYPE_CHECKING:
    from napari_histossl.phantom.patches import Patches
    from napari_histossl.training import Drawing

ThreadsOption = Annotated[
    int, typer.Option(min=1, help="Processor cores to use; part of the result.")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    train = typer.Typer(
        help="Train models on drawn tissue, and judge them.", no_args_is_help=True
    )
    train.command("dino")(dino)
    train.command("evaluate")(evaluate)
    app.add_typer(train, name="train")


def dino(
    out: Annotated[Path, typer.Option(help="File to write, ending in .safetensors.")],
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Optimiser steps; the same number, the same result."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.05, help="Time in place of steps.")
    ] = 12.0,
    seed: Annotated[int, typer.Option(help="Decides weights, order and crops.")] = 0,
    threads: ThreadsOption = 2,
    slides: Annotated[int, typer.Option(min=1, help="Drawn slides.")] = 40,
    patches: Annotated[
        int, typer.Option(min=1, help="Patches of each class from each slide.")
    ] = 25,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Do not go on with a checkpoint.")
    ] = False,
) -> None:
    """Train a small vision transformer without labels on drawn tissue (DINO).

    An interrupted training goes on where it was when the same command is given again.
    """
    import torch

    from napari_histossl.models import examine_weights
    from napari_histossl.models.weights import check_target
    from napari_histossl.training import DinoRecipe, Drawing, train_dino
    from napari_histossl.training.dino import begun_steps, steps_in

    torch.set_num_threads(threads)
    check_target(out)
    drawing = Drawing(seeds=tuple(range(1, slides + 1)), per_class=patches)
    images = _drawn(drawing, threads, "drawing tissue").images
    recipe = DinoRecipe(seed=seed)
    if steps is None:
        steps = begun_steps(out) if not overwrite else None
        steps = steps or steps_in(images, recipe, minutes)
        print(f"{steps} steps: what fits into {minutes:g} min here")
    facts = {
        "method": "DINO on drawn tissue",
        "command": shlex.join(["napari-histossl", *sys.argv[1:]]),
        "drawing": asdict(drawing),
        "threads": threads,
        "versions": {name: version(name) for name in ("napari-histossl", "numpy")},
    }
    work = train_dino(
        images,
        replace(recipe, steps=steps),
        out,
        mpp=drawing.mpp,
        provenance=facts,
        overwrite=overwrite,
    )
    show_progress(work, "training")
    print(f"written   {out}, sha256 {examine_weights(out).sha256}")


def evaluate(
    weights: Annotated[Path, typer.Argument(help="Weights of a patch model.")],
    starts: Annotated[
        int, typer.Option(min=0, help="Random starts to compare with.")
    ] = 5,
    slides: Annotated[int, typer.Option(min=1, max=16, help="Slides a set.")] = 16,
    threads: ThreadsOption = 2,
) -> None:
    """Judge weights on drawn slides of other seeds, against random weights.

    Lift is the attention mass on nuclei over their share of the area, for the head
    that is best on validation slides; k-NN is the accuracy of 5 neighbours, plain and
    with the test pictures in another stain.
    """
    import torch

    from napari_histossl.models import load_model
    from napari_histossl.training import drawings, make_sets
    from napari_histossl.training.evaluation import heading, rows

    torch.set_num_threads(threads)
    model, spec = load_model(weights)
    plans = drawings(slides=slides, mpp=spec.mpp or 0.5)
    titles = ("bank", "validation", "test")
    parts = [
        _drawn(plan, threads, f"drawing {title}")
        for plan, title in zip(plans, titles, strict=True)
    ]
    sets = make_sets(*parts)
    print(heading())
    for line in rows(model, spec, sets, starts=starts):
        print(line, flush=True)


def _drawn(drawing: Drawing, workers: int, title: str) -> Patches:
    from napari_histossl.training import draw, join

    parts: list[Patches] = []
    show_progress(draw(drawing, parts, workers=workers), title)
    return join(parts)
