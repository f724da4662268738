"""Train models without labels, from a shell."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_histossl.cli import _train_data as data
from napari_histossl.cli._common import show_progress

if TYPE_CHECKING:
    from napari_histossl.training.presets import Preset
    from napari_histossl.training.trainer import Trainer

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
    plan = _Plan("DINO", name, preset, steps, minutes, batch, seed, threads, device)
    plan.run(DinoTrainer, choice, out, half=half, overwrite=overwrite)


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
    plan = _Plan("SimCLR", name, preset, steps, minutes, batch, seed, threads, device)
    plan.run(SimclrTrainer, choice, out, half=half, overwrite=overwrite)


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


class _Plan:
    """A recipe with what a person changed of it."""

    def __init__(
        self,
        method: str,
        name: str,
        preset: Preset,
        steps: int | None,
        minutes: float | None,
        batch: int | None,
        seed: int,
        threads: int,
        device: str,
    ) -> None:
        self._method, self._preset = f"{method}, recipe {name}", preset
        self._steps, self._minutes = steps, minutes
        recipe = preset.recipe
        self._recipe: Any = replace(recipe, seed=seed, batch=batch or recipe.batch)
        self._threads, self._device = threads, device

    def run(
        self,
        kind: Callable[..., Trainer],
        choice: data.DataChoice,
        out: Path,
        *,
        half: bool,
        overwrite: bool,
    ) -> None:
        """Load what is learned from, train, and say what was written."""
        import torch

        from napari_histossl.models import examine_weights
        from napari_histossl.models.weights import check_target
        from napari_histossl.training import train

        torch.set_num_threads(self._threads)
        check_target(out)
        items, learned_from = choice.load()

        def trainer(recipe: Any) -> Trainer:
            return kind(items, recipe, mpp=choice.mpps[0], device=self._device)

        steps = self._chosen_steps(trainer, len(items), out, overwrite)
        facts = {
            "method": self._method,
            "command": shlex.join(["napari-histossl", *sys.argv[1:]]),
            **learned_from,
            "threads": self._threads,
            "device": self._device,
            "versions": {n: version(n) for n in ("napari-histossl", "numpy")},
        }
        work = train(
            trainer(replace(self._recipe, steps=steps)),
            out,
            provenance=facts,
            overwrite=overwrite,
            half=half,
        )
        show_progress(work, "training")
        print(f"written   {out}, sha256 {examine_weights(out).sha256}")

    def _chosen_steps(
        self, trainer: Callable[[Any], Trainer], count: int, out: Path, overwrite: bool
    ) -> int:
        """Return the steps asked for, those begun with, or those that fit."""
        from napari_histossl.training.loop import begun_steps, steps_in

        if self._steps is not None:
            return self._steps
        if self._minutes is None:
            return replace(self._preset, recipe=self._recipe).steps(count)
        begun = None if overwrite else begun_steps(out)
        steps = begun or steps_in(lambda: trainer(self._recipe), self._minutes)
        print(f"{steps} steps: what fits into {self._minutes:g} min here")
        return steps
