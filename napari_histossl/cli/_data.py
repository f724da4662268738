"""Data sets of patches, from a shell: draw one, check one, cut one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_histossl.cli._common import show_progress


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group = typer.Typer(
        help="Sets of patches to learn a segmentation from.", no_args_is_help=True
    )
    group.command("draw")(draw)
    group.command("check")(check)
    group.command("tiles")(tiles)
    app.add_typer(group, name="data")


FolderArgument = Annotated[Path, typer.Argument(help="Folder of the set.")]
LayoutOption = Annotated[
    str,
    typer.Option(
        help="How it lies on disk: luad, bcss, drawn, folders, table, panda, radboud, "
        "karolinska, slides; auto looks at the files."
    ),
]


def check(folder: FolderArgument, layout: LayoutOption = "auto") -> None:
    """Say what is wrong with each file of a set; exit code 1 if anything is.

    Every picture and every mask is decoded: sizes, values, labels in file names and
    tables, patches that are excluded as a whole, classes that a part does not show.
    """
    from napari_histossl.training.set_check import Findings, check_set

    found = Findings()
    show_progress(check_set(folder, layout, found), "looking")
    for sentence in found.problems:
        print(sentence)
    for sentence in found.notes:
        print(f"note: {sentence}")
    counts = ", ".join(f"{part} {count}" for part, count in found.counts.items())
    print(f"{counts or 'nothing'}: {len(found.problems)} problems")
    if found.problems:
        raise typer.Exit(1)


def draw(
    folder: Annotated[Path, typer.Argument(help="New folder for the set.")],
    name: Annotated[str, typer.Option(help="Which drawn set.")] = "weak-1",
    slides: Annotated[
        int | None,
        typer.Option(min=1, help="Only the first slides of each part, for a trial."),
    ] = None,
) -> None:
    """Draw patches with patch labels, and masks to be judged on.

    train/*.png with labels in the names; val and test with img and mask, from other
    slides; train_masks with the truth of train, for comparison alone. Drawing again
    gives the same pictures.
    """
    import json

    from napari_histossl.training.set_description import DESCRIPTION
    from napari_histossl.training.weak_set import draw_weak_set

    show_progress(draw_weak_set(folder, name, slides=slides), "drawing")
    counts = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))["counts"]
    for part, numbers in counts.items():
        print(f"{part}: {', '.join(f'{n} {what}' for what, n in numbers.items())}")


def tiles(
    folder: FolderArgument,
    out: Annotated[Path, typer.Argument(help="Folder for the tiles.")],
    layout: LayoutOption = "auto",
    tile_px: Annotated[
        int, typer.Option(min=1, help="Edge of a tile in pixels.")
    ] = 512,
    mpp: Annotated[float, typer.Option(help="Micrometres per pixel of a tile.")] = 1.0,
    tissue: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a tile that is tissue.")
    ] = 0.25,
    naming: Annotated[
        Literal["folders", "labels"],
        typer.Option(
            help="folders: img_dir and ann_dir; labels: train/NAME[1001].png and "
            "val/img, val/mask, as LUAD-HistoSeg and BCSS have it."
        ),
    ] = "folders",
) -> None:
    """Cut tiles of slides and of their masks, to learn from.

    PANDA's slides of one hospital, or slides with masks made here. Tiles of too little
    tissue, and those in which nothing is labelled, are left out. Cutting that was
    interrupted goes on when the same command is given again.
    """
    from napari_histossl.training.patch_sets import slides_of
    from napari_histossl.training.set_layouts import find_layout
    from napari_histossl.training.tile_files import cut_tiles
    from napari_histossl.training.tile_grid import TilePlan

    slides = slides_of(folder, find_layout(folder) if layout == "auto" else layout)
    problems: list[str] = []
    plan = TilePlan(tile_px, mpp, tissue)
    work = cut_tiles(slides, out, plan, problems, naming)
    show_progress(work, "cutting")
    for sentence in problems:
        print(sentence)
    for part in ("train", "val", "test"):
        pictures = out / "img_dir" / part if naming == "folders" else out / part
        count = sum(path.parent.name != "mask" for path in pictures.rglob("*.png"))
        if count:
            print(f"{part}: {count} tiles")
