"""All of weak supervision on one set of patches, and what each step brings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_histossl.cli import _train_data as data
from napari_histossl.cli._pseudo_masks import make_pseudo_masks
from napari_histossl.cli._train_patches import (
    EpochsOption,
    LayoutOption,
    MppOption,
    classifier,
    open_part,
    segmenter,
)

if TYPE_CHECKING:
    from napari_histossl.training.weak_comparison import Network, Score


@dataclass(frozen=True, slots=True)
class _Plan:
    """What every step of the comparison needs."""

    patches: Path
    out: Path
    seed: int
    layout: str
    mpp: float | None
    threads: int
    recipe: Literal["paper", "published"]
    epochs: int | None

    @property
    def options(self) -> dict[str, Any]:
        """Those that both trainings take."""
        return {
            "seed": self.seed, "layout": self.layout, "mpp": self.mpp,
            "threads": self.threads, "recipe": self.recipe, "half": True,
            "epochs": self.epochs,
        }  # fmt: skip

    def file(self, name: str) -> Path:
        """Return where weights are kept."""
        return self.out / f"{name}.safetensors"

    def network(self, name: str) -> Network:
        """Return a trained network."""
        from napari_histossl.models import load_model
        from napari_histossl.training.weak_comparison import Network

        return Network(*load_model(self.file(name)))


def compare_weak(
    patches: Annotated[Path, typer.Argument(help="Folder as `data draw` makes it.")],
    out: Annotated[Path, typer.Argument(help="Folder for weights, masks and tables.")],
    recipe: Annotated[
        Literal["paper", "published"], typer.Option(help="Whose word counts.")
    ] = "paper",
    seeds: Annotated[
        int, typer.Option(min=1, help="Train so often; the table tells the spread.")
    ] = 1,
    epochs: EpochsOption = None,
    layout: LayoutOption = "auto",
    mpp: MppOption = None,
    threads: data.ThreadsOption = 2,
) -> None:
    """Train every step from patch labels to a segmentation, and compare them.

    Two classifiers (without dropout attention, and from there on with it), their
    pseudo-masks, and three segmenters (one layer, three layers, true masks), all with
    the small presets, in a folder for each seed. What is there already is not trained
    again. The table is printed and written as table.md, every number as table.csv.
    """
    from napari_histossl.training.weak_table import table, write_rows

    runs: dict[int, list[Score]] = {}
    areas: dict[str, list[float]] = {}
    test = open_part(patches, layout, "test", mpp)
    for seed in range(seeds):
        folder = out / f"seed{seed}"
        plan = _Plan(patches, folder, seed, layout, mpp, threads, recipe, epochs)
        folder.mkdir(parents=True, exist_ok=True)
        _train_classifiers(plan)
        _train_segmenters(plan)
        runs[seed] = _judged(plan, test)
        for name in ("classifier_plain", "classifier"):
            areas.setdefault(name, []).append(_auc(plan, name, test))
        text = table(runs, test.classes, areas)
        (out / "table.md").write_text(text + "\n", encoding="utf-8")
        write_rows(out / "table.csv", runs, test.classes)
    print(text)


def _train_classifiers(plan: _Plan) -> None:
    known = open_part(plan.patches, plan.layout, "train", plan.mpp)
    ways: dict[str, dict[str, Any]] = {
        "classifier_plain": {"dropout_attention": False},
        "classifier": {
            "preset": "small-attention", "start": plan.file("classifier_plain")
        },
    }  # fmt: skip
    for name, options in ways.items():
        if not plan.file(name).exists():
            classifier(plan.patches, plan.file(name), **options, **plan.options)
        make_pseudo_masks(
            known, plan.file(name), plan.out / f"masks_of_{name}",
            variant=plan.recipe, threads=plan.threads,
        )  # fmt: skip


def _train_segmenters(plan: _Plan) -> None:
    masks = plan.out / "masks_of_classifier"
    ways: dict[str, dict[str, Any]] = {
        "segmenter_true": {"true_masks": True},
        "segmenter_one": {"pseudo_masks": masks, "layer": ["bn7=1"]},
        "segmenter": {"pseudo_masks": masks},
    }
    for name, options in ways.items():
        if not plan.file(name).exists():
            segmenter(plan.patches, plan.file(name), **options, **plan.options)


def _judged(plan: _Plan, test: Any) -> list[Score]:
    import torch

    torch.set_num_threads(plan.threads)
    scores = []
    for score in _scores(plan, test):
        print(f"{score.name}, {score.part}: mIoU {score.confusion.mean_iou:.3f}")
        scores.append(score)
    return scores


def _auc(plan: _Plan, name: str, test: Any) -> float:
    from napari_histossl.training.weak_comparison import classifier_auc

    return classifier_auc(plan.network(name), test)


def _scores(plan: _Plan, test: Any) -> Iterator[Score]:
    from napari_histossl.models.recipe import recipe as rules_of
    from napari_histossl.training.pseudo_files import PseudoMasks
    from napari_histossl.training.weak_comparison import (
        judge_cams,
        judge_gated,
        judge_pseudo_masks,
        judge_segmenter,
    )

    rules = rules_of(plan.recipe)
    train = open_part(plan.patches, plan.layout, "train_masks", plan.mpp)
    titles = {
        "classifier_plain": "without dropout attention",
        "classifier": "with dropout attention",
    }
    for name, title in titles.items():
        yield from judge_cams(f"Grad-CAM {title}", plan.network(name), test, rules)
    for name, title in titles.items():
        masks = PseudoMasks(plan.out / f"masks_of_{name}")
        yield from judge_pseudo_masks(f"pseudo-mask {title}", masks, train)
    segmenters = {
        "segmenter_one": "DeepLabV3+, one layer",
        "segmenter": "DeepLabV3+, three layers",
        "segmenter_true": "DeepLabV3+, true masks",
    }
    for name, title in segmenters.items():
        network = plan.network(name)
        yield judge_segmenter(title, network, test)
        gate = plan.network("classifier")
        yield judge_gated(f"{title}, gated", network, gate, test, rules)
