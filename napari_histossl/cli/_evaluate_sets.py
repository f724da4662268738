"""What features are judged on, and whose, for the commands that judge them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_histossl.cli._train_data import drawn_patches
from napari_histossl.errors import PlanError

if TYPE_CHECKING:
    from torch import nn

    from napari_histossl.models import ModelSpec
    from napari_histossl.training.comparison import Contestant, ProbeSets
    from napari_histossl.training.labelled import Labelled

_SHIFT_SEED = 5
"""Decides the other stain of every picture, for all who are compared."""


def probe_sets(
    train: Path | None,
    test: Path | None,
    other_stain: Path | None,
    patch_px: int | None,
    merge: bool,
    slides: int,
    threads: int,
) -> ProbeSets:
    """Return what is known, what is tested, and the same in another stain."""
    import numpy as np
    import torch

    from napari_histossl.training.comparison import ProbeSets
    from napari_histossl.training.labelled import read_labelled
    from napari_histossl.training.stain import Restained

    torch.set_num_threads(threads)
    if train is None:
        if test is not None or other_stain is not None:
            raise PlanError("--test and --other-stain go with --train; give it as well")
        known, judged = _drawn(slides, threads)
    else:
        if test is None:
            raise PlanError(
                "--train needs --test: pictures of other people to be judged on (for "
                "BreastPathQ give its folder twice)"
            )
        merged: dict[str, str] | None = None if merge else {}
        known = read_labelled(train, patch_px=patch_px, merge=merged)
        judged = read_labelled(test, part="val", patch_px=patch_px, merge=merged)
    if known.note:
        print(known.note)
    if other_stain is None:
        restained: Any = Restained(judged.pictures, np.random.default_rng(_SHIFT_SEED))
    else:
        restained = _same_pictures(judged, other_stain, patch_px, merge)
    return ProbeSets(known, judged, restained)


def _same_pictures(
    judged: Labelled, folder: Path, patch_px: int | None, merge: bool
) -> Any:
    from napari_histossl.training.labelled import read_labelled

    other = read_labelled(
        folder, part="val", patch_px=patch_px, merge=None if merge else {}
    )
    mine = judged.labels if judged.labels is not None else judged.numbers
    theirs = other.labels if judged.labels is not None else other.numbers
    if theirs is None or mine is None or mine.tolist() != theirs.tolist():
        raise PlanError(
            f"{folder} does not hold the pictures of --test in another stain: it has "
            f"{len(other.pictures)} pictures with other labels"
        )
    return other.pictures


def _drawn(slides: int, threads: int) -> tuple[Labelled, Labelled]:
    from napari_histossl.classes import DEFAULT_CLASSES
    from napari_histossl.phantom.patches import TISSUE
    from napari_histossl.training import drawings
    from napari_histossl.training.labelled import from_drawing

    bank, _, test = drawings(slides=slides)
    names = tuple(DEFAULT_CLASSES[index].name for index in sorted(TISSUE))
    sets = []
    for plan, title in ((bank, "drawing what is known"), (test, "drawing the test")):
        sets.append(from_drawing(drawn_patches(plan, threads, title), names))
    return sets[0], sets[1]


def contestants(
    weights: list[Path] | None, model: str, starts: int, device: str
) -> list[Contestant]:
    """Return the weights, colour alone, and random weights of the same shapes."""
    from napari_histossl.training import random_start
    from napari_histossl.training.comparison import Contestant
    from napari_histossl.training.features import colour_histogram, model_encoder

    trained: list[Contestant] = []
    shapes: dict[tuple[str, str], tuple[str, ModelSpec]] = {}
    for path in weights or _samples_of_features():
        network, spec = _load(path, model)
        encoder = model_encoder(network, spec, device=device)
        trained.append(Contestant(path.stem, lambda encoder=encoder: encoder))  # type: ignore[misc]
        shapes.setdefault((spec.name, repr(spec.config)), (path.stem, spec))
    random = [
        Contestant(
            f"random, shaped as {name}, mean of {starts}",
            lambda spec=spec, number=number: model_encoder(  # type: ignore[misc]
                random_start(spec, number), spec, device=device
            ),
        )
        for name, spec in shapes.values()
        for number in range(starts)
    ]
    return [*trained, Contestant("colour histogram", lambda: colour_histogram), *random]


def _samples_of_features() -> list[Path]:
    """Return the sample weights that give features; others give classes."""
    from napari_histossl.models import examine_weights
    from napari_histossl.resources import sample_folder

    paths = sorted(sample_folder().glob("*_sample.safetensors"))
    specs = [examine_weights(path).spec for path in paths]
    return [
        path
        for path, spec in zip(paths, specs, strict=True)
        if spec is not None and spec.task == "features"
    ]


def _load(path: Path, model: str) -> tuple[nn.Module, ModelSpec]:
    """Return a patch model from a file, by what the file or a person says."""
    from napari_histossl.models import find_weights, load_model, model_spec
    from napari_histossl.models.weights import load_spec

    path = find_weights(path)
    if model:
        spec = model_spec(model)
        network = load_spec(spec, path)
    else:
        network, spec = load_model(path)
    if not spec.reads_pixels:
        raise PlanError(
            f"{path} is a model of regions: it reads features of another model, not "
            f"pictures, and cannot be judged on them"
        )
    return network, spec
