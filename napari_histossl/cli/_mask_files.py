"""Masks of slides and other programs, from a shell: import, measure, compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_histossl.cli._common import MppOption, WorkspaceOption, show_progress

if TYPE_CHECKING:
    from napari_histossl.panels.mask_import import ImportChoice

_MaskArgument = Annotated[Path, typer.Argument(help="A mask: its .ome.zarr folder.")]
_NO_CLASS = "none"


def register(group: typer.Typer) -> None:
    """Add this file's commands to those of masks."""
    group.command("import")(import_)
    group.command("measure")(measure)
    group.command("compare")(compare)


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            help="GeoJSON of QuPath or XML of ASAP; for a new mask also PNG or TIFF."
        ),
    ],
    mask: Annotated[
        Path | None, typer.Argument(help="Mask to paint into; none to make a new one.")
    ] = None,
    slide: Annotated[
        Path | None, typer.Option(help="Make a new mask on this slide.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of a new mask.")] = "imported",
    mpp: Annotated[
        float, typer.Option(help="Micrometres a pixel of a new mask.")
    ] = 0.5,
    slide_mpp: MppOption = None,
    meaning: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="NAME=CLASS: what a class of the file means; none=CLASS for shapes "
            "without a class, NAME=unlabelled takes labels away. Repeat as needed.",
        ),
    ] = None,
    unknown: Annotated[
        Literal["refuse", "skip"],
        typer.Option(help="Shapes of classes that the mask does not have."),
    ] = "refuse",
    origin: Annotated[
        Literal["human", "model"], typer.Option(help="Who drew the shapes.")
    ] = "human",
    author: Annotated[
        str | None, typer.Option(help="Who imports them; by default the login name.")
    ] = None,
    classes: Annotated[
        Literal["default", "radboud", "karolinska", "luad", "bcss"],
        typer.Option(help="Classes of a new mask; what values of a picture mean."),
    ] = "default",
    workspace: WorkspaceOption = None,
) -> None:
    """Paint annotations of QuPath or ASAP into a mask; it can be undone.

    A new mask has classes of a table, and those of the file. Later shapes lie on top.
    A PNG of class indices, or a TIFF with them in the red channel, starts a new mask.
    """
    from napari_histossl import classes as tables
    from napari_histossl.classes import Origin
    from napari_histossl.panels.mask_import import ImportChoice, import_into

    choice = ImportChoice(
        file,
        _meanings(meaning or []),
        unknown,
        Origin[origin.upper()],
        author,
        getattr(tables, f"{classes.upper()}_CLASSES"),
    )
    remarks: list[str] = []
    if (mask is None) == (slide is None):
        raise typer.BadParameter("name a mask, or a slide on which to make one")
    if mask is not None:
        show_progress(import_into(mask, choice, remarks), "import")
    elif slide is not None:
        mask = _import_new(slide, slide_mpp, name, mpp, workspace, choice, remarks)
    for remark in remarks:
        print(remark)
    print(f"written   {mask}")


def measure(
    mask: _MaskArgument,
    out: Annotated[
        Path | None, typer.Option(help="CSV to write; by default a table is shown.")
    ] = None,
    slide: Annotated[
        Path | None, typer.Option(help="The slide, for shares of its tissue.")
    ] = None,
    slide_mpp: MppOption = None,
) -> None:
    """Area, objects and share of each class."""
    from napari_histossl.annotate import MaskStore
    from napari_histossl.annotate.measure import Measuring, write_csv
    from napari_histossl.slide import find_tissue, open_slide

    tissue = None
    if slide is not None:
        with open_slide(slide, slide_mpp) as opened:
            tissue = find_tissue(opened)
    with MaskStore.open(mask, read_only=True) as store:
        measuring = Measuring(store, tissue)
        show_progress(measuring.run(), "measure")
        rows = measuring.rows()
    if out is not None:
        write_csv(rows, out)
        print(f"written   {out}")
        return
    print(f"{'class':<24}{'mm2':>12}{'labelled':>10}{'tissue':>10}{'objects':>10}")
    for row in rows:
        print(
            f"{row.name[:23]:<24}{_number(row.area_mm2, '.4f'):>12}"
            f"{_number(row.share_of_labelled, '.1%'):>10}"
            f"{_number(row.share_of_tissue, '.1%'):>10}{row.objects:>10}"
        )


def compare(
    mask: _MaskArgument,
    reference: Annotated[Path, typer.Argument(help="Another mask of the same size.")],
) -> None:
    """Agreement of two masks of one slide: Dice, IoU and kappa of each class."""
    from napari_histossl.annotate import MaskStore
    from napari_histossl.annotate.compare import Comparing

    with (
        MaskStore.open(mask, read_only=True) as first,
        MaskStore.open(reference, read_only=True) as second,
    ):
        comparing = Comparing(first, second)
        show_progress(comparing.run(), "compare")
    print(f"{'class':<24}{'dice':>9}{'iou':>9}{'kappa':>9}{'pixels':>14}{'theirs':>14}")
    for row in comparing.rows():
        print(
            f"{row.name[:23]:<24}{row.dice:>9.4f}{row.iou:>9.4f}{row.kappa:>9.4f}"
            f"{row.pixels:>14}{row.reference_pixels:>14}"
        )
    print(
        f"kappa of all classes, unlabelled included: {comparing.confusion().kappa:.4f}"
    )


def _import_new(
    slide: Path,
    slide_mpp: float | None,
    name: str,
    mpp: float,
    workspace: Path | None,
    choice: ImportChoice,
    remarks: list[str],
) -> Path:
    from napari_histossl.panels.correct import MaskChoice, resolve
    from napari_histossl.panels.mask_import import import_as_new
    from napari_histossl.slide import open_slide
    from napari_histossl.store.paths import results_folder

    with open_slide(slide, slide_mpp) as opened:
        folder = results_folder(slide, workspace)
        plan = resolve(MaskChoice(name=name, mpp=mpp), opened, folder)
        shape = opened.levels[0].shape
    show_progress(import_as_new(plan, shape, choice, remarks), "import")
    return plan.path


def _meanings(pairs: list[str]) -> dict[str, str]:
    meanings = {}
    for pair in pairs:
        name, separator, meant = pair.rpartition("=")
        if not separator or not meant:
            raise typer.BadParameter(f"--map takes NAME=CLASS; got {pair!r}")
        meanings["" if name.casefold() in ("", _NO_CLASS) else name] = meant
    return meanings


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
