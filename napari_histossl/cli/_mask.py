"""Masks of slides, from a shell: make, look, verify, undo, export."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli import _mask_files, _mask_review
from napari_histossl.cli._common import (
    MppOption,
    SlideArgument,
    WorkspaceOption,
    show_progress,
)

if TYPE_CHECKING:
    from napari_histossl.annotate import Entry, MaskStore, Receipt

MaskArgument = Annotated[Path, typer.Argument(help="A mask: its .ome.zarr folder.")]

group = typer.Typer(help="Make and correct masks of slides.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this file's commands, and those of files of other programs."""
    _mask_files.register(group)
    _mask_review.register(group)
    app.add_typer(group, name="mask")


@group.command("new")
@group.command("create", hidden=True)  # its name before there was an import
def create(
    slide: SlideArgument,
    name: Annotated[str, typer.Option(help="Name of the mask.")] = "mask",
    mpp: Annotated[
        float, typer.Option(help="Micrometres a mask pixel; the nearest level is used.")
    ] = 0.5,
    slide_mpp: Annotated[
        float | None,
        typer.Option(help="Micrometres a slide pixel, for a slide that does not say."),
    ] = None,
    from_overlay: Annotated[
        str, typer.Option(help="Overlay to start from: its name or its folder.")
    ] = "",
    head: Annotated[
        int, typer.Option("--head", "--channel", help="Head of the overlay, from 0.")
    ] = 0,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Least attention that is labelled, 1 is uniform attention; or least "
            "probability, of an overlay of classes."
        ),
    ] = None,
    kept: Annotated[
        float, typer.Option(help="Without a threshold: share that is labelled.")
    ] = 0.2,
    label: Annotated[str, typer.Option(help="Class of what is labelled.")] = "tumour",
    workspace: Annotated[
        Path | None,
        typer.Option(help="Folder for results; by default they lie beside the slide."),
    ] = None,
) -> None:
    """Make a mask on a slide, empty or from an overlay: a thresholded head, or classes.

    Copying that was interrupted goes on when the same command is given again.
    """
    from napari_histossl.classes import DEFAULT_CLASSES
    from napari_histossl.overlays.class_proposal import LabelChoice, says_classes
    from napari_histossl.panels.correct import MaskChoice, resolve, start_mask
    from napari_histossl.slide import open_slide
    from napari_histossl.store.paths import overlay_path, results_folder

    folder = results_folder(slide, workspace)
    overlay = Path(from_overlay) if from_overlay else None
    if overlay is not None and not overlay.is_dir():
        overlay = overlay_path(folder, from_overlay)
    choice = MaskChoice(
        name=name,
        mpp=mpp,
        overlay=overlay,
        head=head,
        kept=kept,
        class_index=DEFAULT_CLASSES.named(label).index,
        threshold=threshold,
    )
    if overlay is not None and says_classes(overlay):
        choice.overlay = None
        choice.labels = LabelChoice(overlay, threshold=threshold or 0.0)
    with open_slide(slide, slide_mpp) as opened:
        plan = resolve(choice, opened, folder)
    show_progress(start_mask(plan), "mask")
    print(f"written   {plan.path}")


@group.command("from-overlay")
def from_overlay(
    slide: SlideArgument,
    overlay: Annotated[
        str, typer.Argument(help="Overlay to start from: its name or its folder.")
    ],
    name: Annotated[str, typer.Option(help="Name of the mask.")] = "mask",
    mpp: Annotated[float, typer.Option(help="Micrometres a mask pixel.")] = 0.5,
    slide_mpp: MppOption = None,
    head: Annotated[
        int, typer.Option("--head", "--channel", help="Head of the overlay, from 0.")
    ] = 0,
    threshold: Annotated[float | None, typer.Option(help="As for mask new.")] = None,
    kept: Annotated[
        float, typer.Option(help="Without a threshold: share that is labelled.")
    ] = 0.2,
    label: Annotated[str, typer.Option(help="Class of what is labelled.")] = "tumour",
    workspace: WorkspaceOption = None,
) -> None:
    """Make a mask from an overlay: a thresholded head, or the classes of a model."""
    create(
        slide, name, mpp, slide_mpp, overlay, head, threshold, kept, label, workspace
    )


@group.command()
def info(mask: MaskArgument) -> None:
    """Say what a mask is and how far its correction has come."""
    with _looking_at(mask) as store:
        height, width = store.shape
        y, x = store.mpp_yx or (None, None)
        steps = sum(1 for _entry in store.entries())
        facts = {
            "mask": store.path,
            "size": f"{height} x {width} px, {len(store.levels)} levels",
            "scale": "unknown" if y is None else f"{y:g} x {x:g} um/px",
            "downsample": f"{store.downsample:g} slide px per mask px",
            "classes": ", ".join(f"{c.index} {c.name}" for c in store.classes),
            "journal": f"{steps} entries",
            "undo": "yes" if store.can_undo else "nothing to undo",
            "redo": "yes" if store.can_redo else "nothing to redo",
            **{key: str(value)[:80] for key, value in store.provenance.items()},
        }
        if store.is_seeding:
            facts["unfinished"] = "copying a proposal was interrupted"
    for key, value in facts.items():
        print(f"{key:<13}{value}")


@group.command("log")
@group.command("history", hidden=True)
def history(
    mask: MaskArgument,
    last: Annotated[int, typer.Option(help="Show only so many; 0 for all.")] = 0,
) -> None:
    """List every step: number, time, who, with what, where."""
    with _looking_at(mask) as store:
        lines = [_line(entry) for entry in store.entries()]
    for line in lines[-last:] if last > 0 else lines:
        print(line)


@group.command()
def verify(mask: MaskArgument) -> None:
    """Check that the journal is whole: every entry as it was written."""
    with _looking_at(mask) as store:
        count = store.verify()
    print(f"{count} entries, all as they were written")


@group.command()
def compact(mask: MaskArgument) -> None:
    """Compress the history; every step stays, and can be undone as before."""
    from napari_histossl.annotate import MaskStore

    with MaskStore.open(mask) as store:
        before_bytes = store.journal_bytes
        show_progress(store.compact(), "compact")
        after_bytes = store.journal_bytes
    print(
        f"history   {before_bytes / 1e6:.1f} MB before, {after_bytes / 1e6:.1f} MB now"
    )


@group.command()
def undo(mask: MaskArgument) -> None:
    """Take the last step back."""
    from napari_histossl.annotate import MaskStore

    with MaskStore.open(mask) as store:
        print(_sentence(store.undo(), "taken back"))


@group.command()
def redo(mask: MaskArgument) -> None:
    """Bring back the step that was undone last."""
    from napari_histossl.annotate import MaskStore

    with MaskStore.open(mask) as store:
        print(_sentence(store.redo(), "brought back"))


@group.command()
def export(
    mask: MaskArgument,
    out: Annotated[
        Path,
        typer.Argument(
            help="File to write: .png, .geojson (QuPath), .xml (ASAP), .tiff (PANDA)."
        ),
    ],
    box: Annotated[
        tuple[int, int, int, int] | None,
        typer.Option(help="Part: row, column, height, width in pixels of the level."),
    ] = None,
    level: Annotated[int, typer.Option(help="Level of the mask, 0 the finest.")] = 0,
) -> None:
    """Write a mask, or part of it, as a picture or as outlines."""
    from napari_histossl.geometry import Box
    from napari_histossl.panels.mask_export import export_mask

    part = None if box is None else Box(*box)
    show_progress(export_mask(mask, out, part, level), "export")
    print(f"written   {out}")


@contextmanager
def _looking_at(path: Path) -> Iterator[MaskStore]:
    from napari_histossl.annotate import MaskStore

    with MaskStore.open(path, read_only=True) as store:
        yield store


def _line(entry: Entry) -> str:
    box = entry.box
    where = (
        "" if box is None else f"row {box.y} column {box.x} {box.height}x{box.width}"
    )
    target = f" of {entry.target}" if entry.target else ""
    what = f"{entry.kind.value}{target}"
    return (
        f"{entry.seq:>6}  {entry.utc}  {entry.author:<12}  {what:<12}  "
        f"{entry.tool:<10}  class {entry.class_index}  {where}"
    )


def _sentence(receipt: Receipt, done: str) -> str:
    return receipt.message or f"{done}; entry {receipt.seq} of the journal"
