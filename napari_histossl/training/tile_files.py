"""Tiles of slides and of their masks as files.

In img_dir and ann_dir, which `training.folder_sets` reads again, and mmsegmentation
too; or with labels in their names, which `training.named_labels` reads. Cutting that
was interrupted goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from napari_histossl.errors import DataSetError, HistoSSLError
from napari_histossl.jobs import Progress
from napari_histossl.slide import Slide
from napari_histossl.slide.levels import read_at
from napari_histossl.store.masks import write_values_png
from napari_histossl.store.provenance import describe
from napari_histossl.store.whole import written_whole
from napari_histossl.training.masked_slides import MaskedSlide, SlideSet
from napari_histossl.training.set_description import DESCRIPTION, SetDescription
from napari_histossl.training.slide_patches import Place
from napari_histossl.training.slide_sets import labels_at, refuse_other_size
from napari_histossl.training.tile_grid import TilePlan, find_tiles
from napari_histossl.training.tile_names import Naming, tile_paths

DONE = "done.txt"
"""Names of the slides that are finished, one a line."""


def cut_tiles(
    slides: SlideSet,
    out: str | Path,
    plan: TilePlan,
    problems: list[str],
    naming: Naming = "folders",
) -> Iterator[Progress]:
    """Cut tiles of slides and of their masks.

    Parameters
    ----------
    slides : SlideSet
        The slides; those without a mask are left out.
    out : str or Path
        Folder for the tiles and their description.
    plan : TilePlan
        Size, scale and tissue of the tiles. A tile in which nothing is labelled is
        left out too.
    problems : list of str
        Receives a sentence for each slide that is left out.
    naming : {"folders", "labels"}, optional
        How the tiles lie there; see `tile_names.Naming`.

    Yields
    ------
    Progress
        After each tile; `message` names the slide.

    Raises
    ------
    DataSetError
        If other tiles lie in the folder.
    StoreError
        If a file cannot be written.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    _describe(out, slides, plan, naming)
    finished = _finished(out)
    for done, one in enumerate(slides.slides):
        if one.group in finished:
            continue
        if one.mask is None:
            problems.append(f"{one.source.path} is left out: it has no mask")
            continue
        try:
            for count in _cut_slide(one, slides, out, plan, naming):
                message = f"{one.group}, tile {count}"
                yield Progress(done, len(slides.slides), message=message)
        except HistoSSLError as error:
            problems.append(f"{one.source.path} is left out: {error}")
            continue
        with (out / DONE).open("a", encoding="utf-8") as stream:
            stream.write(f"{one.group}\n")
    yield Progress(len(slides.slides), len(slides.slides), message="finished")


def _describe(out: Path, slides: SlideSet, plan: TilePlan, naming: Naming) -> None:
    tiles = {**asdict(plan), "naming": naming}
    told = {"tiles": tiles, "classes": slides.classes.to_json()}
    before = out / DESCRIPTION
    if before.is_file():
        _refuse_other(before, told)
        return
    if any(out.iterdir()):
        raise DataSetError(f"{out} holds something else already; name a new folder")
    SetDescription(slides.classes, plan.mpp, len(slides.classes)).write(
        out, tiles=told["tiles"], provenance=describe(model="tiles of slides")
    )


def _refuse_other(path: Path, told: Mapping[str, object]) -> None:
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        same = all(before.get(name) == value for name, value in told.items())
    except (OSError, ValueError, AttributeError):
        same = False
    if not same:
        raise DataSetError(
            f"{path} tells of other tiles than these; name a new folder, or cut with "
            f"the size, scale and tissue that it tells"
        )


def _finished(out: Path) -> set[str]:
    path = out / DONE
    return (
        set(path.read_text(encoding="utf-8").split("\n")) if path.is_file() else set()
    )


def _cut_slide(
    one: MaskedSlide, slides: SlideSet, out: Path, plan: TilePlan, naming: Naming
) -> Iterator[int]:
    """Write the tiles of a slide that are not there yet; yield how many there are."""
    assert one.mask is not None
    table, n_classes = slides.table(), len(slides.classes)
    with one.source.open() as slide, one.mask.open() as labels:
        refuse_other_size(one, slide.levels[0].shape)
        for count, place in enumerate(find_tiles(slide, plan), 1):
            name = f"{one.group}_y{place.box.y}_x{place.box.x}"
            values = table[labels_at(labels, place)]
            files = tile_paths(naming, one.split, name, values, n_classes)
            picture, mask = (out / file for file in files)
            if (values != n_classes).any() and not picture.is_file():
                for file in (mask, picture):
                    file.parent.mkdir(parents=True, exist_ok=True)
                write_values_png(mask, values, slides.classes, n_classes)
                _write_picture(slide, place, picture)  # last: tells that both are there
            yield count


def _write_picture(slide: Slide, place: Place, path: Path) -> None:
    from PIL import Image

    with written_whole(path) as temporary:
        pixels = read_at(slide, place.box, place.downsample)
        Image.fromarray(pixels).save(temporary, format="PNG")
