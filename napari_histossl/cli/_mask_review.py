"""Review of masks, from a shell: objects by uncertainty, comments, signatures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli._common import MppOption, SlideArgument, show_progress

if TYPE_CHECKING:
    from napari_histossl.panels.review_rows import ReviewRows

_MaskArgument = Annotated[Path, typer.Argument(help="A mask: its .ome.zarr folder.")]
_AuthorOption = Annotated[
    str, typer.Option(help="Who does it; by default the login name.")
]


def register(group: typer.Typer) -> None:
    """Add this file's commands."""
    group.command()(review)
    group.command()(comments)
    group.command()(sign)
    group.command()(unlock)


def review(
    slide: SlideArgument,
    mask: _MaskArgument,
    overlay: Annotated[
        str,
        typer.Argument(help="Overlay with classes; by default what models said in it."),
    ] = "",
    second: Annotated[
        str, typer.Option(help="Overlay of a second model, for disagreement.")
    ] = "",
    against: Annotated[
        Path | None,
        typer.Option(help="In place of an overlay: a second mask of the slide."),
    ] = None,
    slide_mpp: MppOption = None,
    most: Annotated[int, typer.Option(help="Show so many; 0 for all.")] = 20,
) -> None:
    """List the objects of a proposal, most uncertain first; the window opens the list.

    Shows class, area, how uncertain, state and place of each.
    """
    from napari_histossl.annotate import MaskStore
    from napari_histossl.annotate.review_objects import ObjectTable
    from napari_histossl.overlays.class_proposal import LabelChoice
    from napari_histossl.panels import review as reviewing
    from napari_histossl.panels.review_rows import ReviewRows
    from napari_histossl.panels.review_states import ReviewStates
    from napari_histossl.slide import open_slide

    with open_slide(slide, slide_mpp) as opened:
        shape = opened.levels[0].shape
    source = reviewing.ReviewSource(reviewing.MODEL_TITLE, "mask")
    if against is not None:
        source = reviewing.difference_from(against)
    elif overlay:
        source = reviewing.source_of(_overlay(mask, overlay), mask.parent.parent)
    other = LabelChoice(_overlay(mask, second)) if second else None
    with MaskStore.open(mask, read_only=True) as store:
        plan = reviewing.resolve(store, source, shape, second=other)
        show_progress(reviewing.find_objects(plan), "objects")
        table = ObjectTable.load(plan.out)
        rows = ReviewRows(table, store.classes, _pixel_um2(store.mpp_yx, table.level))
        plane = reviewing.plane_of(source, store, shape)
        found = ReviewStates(store, plane, table).update()
        rows.take(found.states, found.comments)
    _print(rows, most)
    print(f"written   {plan.out}")


def comments(
    mask: _MaskArgument,
    geojson: Annotated[
        Path | None, typer.Option(help="Also write them, as QuPath reads them.")
    ] = None,
) -> None:
    """List what was written about regions of a mask."""
    from napari_histossl.annotate import MaskStore
    from napari_histossl.annotate.comments import as_shapes
    from napari_histossl.annotate.formats.geojson import write

    with MaskStore.open(mask, read_only=True) as store:
        found = store.comments()
        downsample = store.downsample
    if geojson is not None:
        show_progress(write(as_shapes(found, downsample), geojson), "export")
    for comment in found:
        box = comment.box
        print(
            f"{comment.seq:>6}  {comment.utc[:19]}  {comment.author:<12}  row {box.y} "
            f"column {box.x} {box.height}x{box.width}  {comment.text}"
        )


def sign(
    mask: _MaskArgument,
    statement: Annotated[str, typer.Option(help="What is signed.")] = "",
    box: Annotated[
        tuple[int, int, int, int] | None,
        typer.Option(help="Part: row, column, height, width; by default all of it."),
    ] = None,
    author: _AuthorOption = "",
) -> None:
    """Lock a region, or the whole mask, and sign what it holds."""
    from napari_histossl.annotate import MaskStore
    from napari_histossl.geometry import Box

    with MaskStore.open(mask) as store:
        part = Box(0, 0, *store.shape) if box is None else Box(*box)
        receipt = store.sign(part, author=author or None, statement=statement)
    print(f"signed and locked; entry {receipt.seq} of the journal")


def unlock(
    mask: _MaskArgument,
    entry: Annotated[int, typer.Argument(help="Entry of the signature.")],
    author: _AuthorOption = "",
) -> None:
    """Lift a signature; it stays in the history."""
    from napari_histossl.annotate import MaskStore

    with MaskStore.open(mask) as store:
        receipt = store.unlock(entry, author=author or None)
    print(f"unlocked; entry {receipt.seq} of the journal")


def _overlay(mask: Path, name: str) -> Path:
    """Return a folder that is named, or an overlay of the slide of a mask."""
    from napari_histossl.store.paths import overlay_path

    is_folder = Path(name).is_dir()
    return Path(name) if is_folder else overlay_path(mask.parent.parent, name)


def _pixel_um2(mpp_yx: tuple[float, float] | None, level: int) -> float | None:
    return None if mpp_yx is None else mpp_yx[0] * mpp_yx[1] * 4**level


def _print(rows: ReviewRows, most: int) -> None:
    count = len(rows.table)
    objects = "1 object" if count == 1 else f"{count:,} objects"
    print(f"{objects}, {rows.decided:,} decided or edited")
    print(f"{'class':<28}{'mm2':>10}{'unsure':>8}  {'state':<10}row, column")
    for index in rows.visible[: most or None].tolist():
        unsure, box = rows.unsure(index), rows.table.box_px0(index)
        number = "" if unsure is None else f"{unsure:.2f}"
        print(
            f"{rows.class_name(index)[:27]:<28}{rows.area_text(index):>10}{number:>8}"
            f"  {rows.state(index).value:<10}{box.y}, {box.x}"
        )
