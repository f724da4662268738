"""Masks from patch labels and a classifier, from a shell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from napari_histossl.cli import _train_data as data
from napari_histossl.cli._common import show_progress
from napari_histossl.cli._train_patches import LayoutOption, MppOption, open_part


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.command("pseudo-masks")(pseudo_masks)


def pseudo_masks(
    patches: Annotated[Path, typer.Argument(help="Folder with the part train.")],
    weights: Annotated[
        str, typer.Argument(help="A classifier: a file, or a name of added weights.")
    ],
    out: Annotated[Path, typer.Argument(help="Folder for PM_b4_5, PM_b5_2, PM_bn7.")],
    part: Annotated[str, typer.Option(help="Part of the set.")] = "train",
    recipe: Annotated[
        Literal["paper", "published"] | None,
        typer.Option(help="By default what the classifier was trained with."),
    ] = None,
    layout: LayoutOption = "auto",
    mpp: MppOption = None,
    batch: Annotated[int, typer.Option(min=1, help="Patches at once.")] = 16,
    threads: data.ThreadsOption = 2,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace other pseudo-masks.")
    ] = False,
) -> None:
    """Turn patch labels into masks: where a classifier sees each class.

    A mask for each of three layers, as palette PNG of the patch's name. What an
    interrupted run has written is kept.
    """
    known = open_part(patches, layout, part, mpp)
    make_pseudo_masks(
        known, weights, out,
        variant=recipe, batch=batch, threads=threads, device=device,
        overwrite=overwrite,
    )  # fmt: skip
    print(f"written   {len(known)} masks of each layer into {out}")


def make_pseudo_masks(
    patches: Any,
    weights: str | Path,
    out: Path,
    *,
    variant: str | None = None,
    batch: int = 16,
    threads: int = 1,
    device: str = "cpu",
    overwrite: bool = False,
) -> None:
    """Write the masks with a bar; the classifier's own recipe counts by default."""
    import torch

    from napari_histossl.models import examine_weights, find_weights, load_model
    from napari_histossl.models.recipe import recipe as rules_of
    from napari_histossl.training.pseudo_files import PseudoMasks
    from napari_histossl.training.pseudo_label import write_pseudo_masks

    torch.set_num_threads(threads)
    path = find_weights(weights)
    record = examine_weights(path)
    model, spec = load_model(path)
    said = record.provenance.get("recipe", {}).get("variant", "paper")
    facts = {"weights": path.name, "weights_sha256": record.sha256}
    work = write_pseudo_masks(
        model.to(device), spec, patches, PseudoMasks(out), rules_of(variant or said),
        facts=facts, batch=batch, device=device, overwrite=overwrite,
    )  # fmt: skip
    show_progress(work, "pseudo-masks")
