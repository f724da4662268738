"""Train on patches with labels or masks, from a shell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_histossl.cli import _train_data as data
from napari_histossl.cli._train_plan import run_training, training_facts
from napari_histossl.errors import PlanError

if TYPE_CHECKING:
    from napari_histossl.training.patch_sets import PatchSet

DataArgument = Annotated[
    Path, typer.Argument(help="Folder with the parts train and val.")
]
OutOption = Annotated[Path, typer.Option(help="File to write, ending in .safetensors.")]
_PRESETS = "small, for two processor cores, or published"
PresetOption = Annotated[str, typer.Option(help=f"{_PRESETS}.")]
ClassifierPresetOption = Annotated[
    str,
    typer.Option(
        help=f"{_PRESETS}; or small-attention, which goes on with --start, trained "
        f"without dropout attention."
    ),
]
VariantOption = Annotated[
    Literal["paper", "published"] | None,
    typer.Option(
        "--recipe",
        help="Whose word counts where paper and published code differ; by default that "
        "of the preset.",
    ),
]
StartOption = Annotated[
    Path | None,
    typer.Option("--start", help="Weights to start from; by default random ones."),
]
EpochsOption = Annotated[
    int | None, typer.Option(min=1, help="Epochs, if not the preset's.")
]
BatchOption = Annotated[
    int | None, typer.Option(min=1, help="Patches a step, if not the preset's.")
]
SeedOption = Annotated[int, typer.Option(help="Decides weights, order and flips.")]
LayoutOption = Annotated[
    str, typer.Option(help="How the set lies on disk: auto, luad, bcss, ...")
]
MppOption = Annotated[
    float | None, typer.Option(help="Micrometres per pixel of patches that do not say.")
]
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


def classifier(
    patches: DataArgument,
    out: OutOption,
    preset: ClassifierPresetOption = "small",
    recipe: VariantOption = None,
    start: StartOption = None,
    init: Annotated[
        Literal["imagenet", "trained"] | None,
        typer.Option(
            help="What --start is: of ImageNet, whose first layers and norms stay, or "
            "trained on the same classes. By default what the preset says."
        ),
    ] = None,
    dropout_attention: Annotated[
        bool,
        typer.Option(
            "--dropout-attention/--no-dropout-attention",
            help="Hide more and more of what is most discriminative.",
        ),
    ] = True,
    epochs: EpochsOption = None,
    batch: BatchOption = None,
    width: Annotated[
        float | None, typer.Option(min=0.02, help="Share of the published channels.")
    ] = None,
    seed: SeedOption = 0,
    layout: LayoutOption = "auto",
    mpp: MppOption = None,
    threads: data.ThreadsOption = 2,
    device: DeviceOption = "cpu",
    half: HalfOption = False,
    add: AddOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Train a classifier of patches that hold several classes (ResNet38d).

    From random weights, or with --start from others. The epoch with the best area under
    the curve on the val patches is kept. An interrupted training goes on where it was
    when the same command is given again.
    """
    from napari_histossl.training.classifier import ClassifierTrainer
    from napari_histossl.training.patch_presets import CLASSIFIER_PRESETS

    chosen = _changed(
        _preset(CLASSIFIER_PRESETS, preset),
        init=init, variant=recipe, epochs=epochs, batch=batch, width=width, seed=seed,
        dropout_attention=dropout_attention,
    )  # fmt: skip
    known, validation = _opened(patches, out, layout, mpp, threads)
    trainer = ClassifierTrainer(known, validation, chosen, start=start, device=device)
    facts = _facts("classifier of patches", preset, patches, known, threads, device)
    facts |= _start_facts(start)
    run_training(trainer, out, facts, half=half, add=add, overwrite=overwrite)
    _say_best("macro AUC", trainer.kept.best)


def segmenter(
    patches: DataArgument,
    out: OutOption,
    pseudo_masks: Annotated[
        Path | None,
        typer.Option(help="Folder written by pseudo-masks; or give --true-masks."),
    ] = None,
    true_masks: Annotated[
        bool, typer.Option("--true-masks", help="Learn from the set's own masks.")
    ] = False,
    layer: Annotated[
        list[str] | None,
        typer.Option(
            help="Layer to learn from and its weight, such as bn7=0.6; repeat for "
            "more. By default b4_5=0.2, b5_2=0.2, bn7=0.6."
        ),
    ] = None,
    preset: PresetOption = "small",
    recipe: VariantOption = None,
    start: StartOption = None,
    epochs: EpochsOption = None,
    batch: BatchOption = None,
    seed: SeedOption = 0,
    layout: LayoutOption = "auto",
    mpp: MppOption = None,
    threads: data.ThreadsOption = 2,
    device: DeviceOption = "cpu",
    half: HalfOption = False,
    add: AddOption = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Train a segmenter on pseudo-masks, or on true masks (DeepLabV3+).

    The epoch with the best mean intersection over union on the val patches is kept. An
    interrupted training goes on where it was when the same command is given again.
    """
    from napari_histossl.training.patch_presets import SEGMENTER_PRESETS
    from napari_histossl.training.patch_recipe import TRUTH
    from napari_histossl.training.pseudo_files import PseudoMasks
    from napari_histossl.training.segmenter import SegmenterTrainer

    if true_masks == (pseudo_masks is not None):
        raise PlanError(
            "a segmenter learns from --pseudo-masks FOLDER or from --true-masks; give "
            "one of them"
        )
    layers = {TRUTH: 1.0} if true_masks else _layers(layer)
    chosen = _changed(
        _preset(SEGMENTER_PRESETS, preset),
        variant=recipe, epochs=epochs, batch=batch, seed=seed, layers=layers,
    )  # fmt: skip
    known, validation = _opened(
        patches, out, layout, mpp, threads, true_masks=true_masks
    )
    masks = None if pseudo_masks is None else PseudoMasks(pseudo_masks)
    trainer = SegmenterTrainer(
        known, validation, chosen,
        pseudo_masks=masks, start=start, device=device,
    )  # fmt: skip
    facts = _facts("segmenter", preset, patches, known, threads, device)
    facts |= _start_facts(start)
    if masks is not None:
        facts["pseudo_masks"] = masks.facts()
    run_training(trainer, out, facts, half=half, add=add, overwrite=overwrite)
    _say_best("mIoU", trainer.kept.best)


def _preset(presets: Mapping[str, Any], name: str) -> Any:
    if name not in presets:
        raise PlanError(f"there is no preset {name!r}; choose {' or '.join(presets)}")
    return presets[name]


def _changed(recipe: Any, **changes: Any) -> Any:
    """Return a recipe with what a person said; None says nothing."""
    return replace(recipe, **{k: v for k, v in changes.items() if v is not None})


def _layers(said: list[str] | None) -> dict[str, float] | None:
    layers = {}
    for each in said or ():
        name, _, weight = each.partition("=")
        try:
            layers[name] = float(weight or 1.0)
        except ValueError as error:
            raise PlanError(
                f"a layer is given with its weight, such as bn7=0.6; got {each!r}"
            ) from error
    return layers or None


def _opened(
    folder: Path,
    out: Path,
    layout: Any,
    mpp: float | None,
    threads: int,
    *,
    true_masks: bool = False,
) -> tuple[PatchSet, PatchSet]:
    """Return the patches to learn from, and those to be judged on."""
    import torch

    from napari_histossl.models.weights import check_target

    check_target(out)
    torch.set_num_threads(threads)
    part = "train_masks" if true_masks and _are_apart(folder) else "train"
    known = open_part(folder, layout, part, mpp)
    validation = open_part(folder, layout, "val", mpp)
    print(f"{len(known)} patches to learn from, {len(validation)} to be judged on")
    return known, validation


def open_part(folder: Path, layout: Any, part: Any, mpp: float | None) -> Any:
    """Return one part of a set, with a scale where it does not say its own."""
    from napari_histossl.training.patch_sets import open_patch_set

    patches: Any = open_patch_set(folder, layout, part)
    return patches if patches.mpp is not None else replace(patches, mpp=mpp)


def _are_apart(folder: Path) -> bool:
    """Return whether true masks of train lie in a folder of their own."""
    from napari_histossl.training.named_labels import TRUE_MASKS

    return (folder / TRUE_MASKS).is_dir()


def _facts(
    method: str, preset: str, folder: Path, known: PatchSet, threads: int, device: str
) -> dict[str, Any]:
    """Return what is written into the file besides the recipe."""
    return {
        **training_facts(f"{method}, preset {preset}"),
        "data": {"folder": folder.name, "patches": len(known)},
        "threads": threads,
        "device": device,
    }


def _start_facts(start: Path | None) -> dict[str, Any]:
    """Return which weights a training starts from, if any."""
    from napari_histossl.models import examine_weights

    if start is None:
        return {}
    return {"start": {"file": start.name, "sha256": examine_weights(start).sha256}}


def _say_best(measure: str, value: float) -> None:
    print(f"best      {measure} {value:.4f} on the val patches")
