"""Masks against the truth, from a shell: numbers, a table, a figure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_histossl.cli._common import show_progress

if TYPE_CHECKING:
    from napari_histossl.training.mask_pairs import MaskPairs
    from napari_histossl.training.segmentation_scores import SegmentationScores

_OVERLAY = ".ome.zarr"


def segmentation(
    prediction: Annotated[
        Path,
        typer.Argument(
            help="Masks to be judged: a folder, a file (PNG, npy, PANDA's TIFF), or an "
            "overlay (.ome.zarr)."
        ),
    ],
    truth: Annotated[
        Path,
        typer.Argument(
            help="What is true: a folder or file of the same kind, a set of patches, "
            "or, for an overlay, a mask of the slide."
        ),
    ],
    part: Annotated[str, typer.Option(help="Part of a set of patches.")] = "test",
    layout: Annotated[
        str, typer.Option(help="How a set lies on disk; auto looks at the files.")
    ] = "auto",
    classes: Annotated[
        str,
        typer.Option(
            help="Names of the classes with the values 0, 1, ..., separated by commas; "
            "by default what the data set around the truth says."
        ),
    ] = "",
    csv: Annotated[
        Path | None, typer.Option(help="Write the numbers of each file.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write the numbers and the table of pixels.")
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="Draw the table of pixels: .png, .svg or .pdf."),
    ] = None,
) -> None:
    """Compare masks with the truth, pixel by pixel.

    IoU and Dice of each class, mean IoU, frequency-weighted IoU, accuracy, kappa, and
    where each true class went. What the truth excludes counts nowhere; what a
    prediction leaves open counts against the true class. Masks of whole slides are
    read block by block.
    """
    from napari_histossl.training.segmentation_scores import write_csv, write_json

    if prediction.name.endswith(_OVERLAY):
        scores = _of_overlay(prediction, truth)
    else:
        scores = _of_files(_pairs(prediction, truth, part, layout, classes))
    _print(scores)
    if csv is not None:
        write_csv(scores, csv)
    if json is not None:
        told = {"prediction": str(prediction), "truth": str(truth), "part": part}
        write_json(scores, json, told)
    if figure is not None:
        _draw(scores, figure, prediction.name)


def _pairs(
    prediction: Path, truth: Path, part: Any, layout: Any, classes: str
) -> MaskPairs:
    from napari_histossl.errors import DataSetError
    from napari_histossl.training.mask_pairs import pairs_of_files, pairs_of_set
    from napari_histossl.training.patch_sets import open_patch_set
    from napari_histossl.training.set_layouts import SIGNS

    for path in (prediction, truth):
        if not path.exists():
            raise DataSetError(f"there is no file or folder {path}")
    if truth.is_dir() and (layout != "auto" or any(s(truth) for s in SIGNS.values())):
        return pairs_of_set(prediction, open_patch_set(truth, layout, part))
    names = [name.strip() for name in classes.split(",") if name.strip()]
    return pairs_of_files(prediction, truth, names)


def _of_files(pairs: MaskPairs) -> SegmentationScores:
    from napari_histossl.training.segmentation_scores import (
        SegmentationScores,
        score_masks,
    )

    scores = SegmentationScores(pairs.classes)
    show_progress(score_masks(pairs, scores), "comparing")
    return scores


def _of_overlay(overlay: Path, truth: Path) -> SegmentationScores:
    from napari_histossl.overlays.class_proposal import LabelChoice
    from napari_histossl.panels.class_compare import compare
    from napari_histossl.store import Pyramid
    from napari_histossl.training.segmentation_scores import SegmentationScores

    # a mask made here knows how much of the slide it covers; a picture does not
    with Pyramid.open(truth if truth.name.endswith(_OVERLAY) else overlay) as pyramid:
        y, x = pyramid.pixel_px0_yx or (1.0, 1.0)
        height, width = pyramid.levels[0].shape
    found = compare(LabelChoice(overlay), truth, (round(height * y), round(width * x)))
    print(
        f"{found.share:.1%} of what {truth.name} labels was computed, and is compared"
    )
    return SegmentationScores(found.classes, {overlay.name: found.confusion})


def _print(scores: SegmentationScores) -> None:
    total = scores.total
    files = "1 file" if len(scores.by_name) == 1 else f"{len(scores.by_name)} files"
    print(f"{files}, {int(total.support.sum()):,} px are compared")
    print(f"mIoU {total.mean_iou:.4f}  FwIoU {total.weighted_iou:.4f}  ", end="")
    print(f"accuracy {total.accuracy:.4f}  kappa {total.kappa:.4f}")
    rows = zip(scores.classes, total.iou, total.dice, total.support, strict=True)
    for info, iou, dice, support in rows:
        print(f"{info.name:<26}IoU {iou:.4f}  Dice {dice:.4f}  {support:>14,} px")


def _draw(scores: SegmentationScores, path: Path, title: str) -> None:
    from napari_histossl.panels.confusion_figure import lay_out_confusion
    from napari_histossl.panels.figure_file import save_layout

    save_layout(lay_out_confusion(scores.total, scores.classes, title), path)
