"""Tiles of slides and of masks: as files, resumed, and read again as a set."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.classes import RADBOUD_CLASSES
from napari_histossl.errors import DataSetError
from napari_histossl.training.masked_slides import panda_slides
from napari_histossl.training.patch_sets import open_patch_set
from napari_histossl.training.set_check import Findings, check_set
from napari_histossl.training.slide_sets import CutPatches
from napari_histossl.training.tile_files import cut_tiles
from napari_histossl.training.tile_grid import TilePlan

PLAN = TilePlan(100, 1.0, 0.5)


@pytest.fixture
def radboud(panda):
    """One slide with a mask, in train, and one without."""
    rows = (panda / "train.csv").read_text().splitlines()
    parts = ["split", "train", "train", "train"]
    text = "\n".join(f"{row},{part}" for row, part in zip(rows, parts, strict=True))
    (panda / "train.csv").write_text(text)
    return panda_slides(panda, "radboud")


def cut(slides, out, plan=PLAN):
    problems = []
    progress = list(cut_tiles(slides, out, plan, problems))
    assert progress[-1].done == progress[-1].total
    return problems


def test_tiles_are_what_the_slides_show(radboud, tmp_path):
    out = tmp_path / "tiles"
    (problem,) = cut(radboud, out)
    assert "001c62ab.tiff is left out: it has no mask" in problem
    tiles, direct = open_patch_set(out), CutPatches(radboud, "train", PLAN)
    assert tiles.classes == RADBOUD_CLASSES
    assert (tiles.mpp, tiles.exclude_index) == (1.0, 5)
    assert sorted(tiles.names) == sorted(f"{name}.png" for name in direct.names)
    for index, name in enumerate(direct.names):
        own = tiles.names.index(f"{name}.png")
        assert np.array_equal(tiles.image(own), direct.image(index))
        assert np.array_equal(tiles.mask(own), direct.mask(index))
    direct.close()
    found = Findings()
    list(check_set(out, "auto", found))
    assert found.problems == []


def test_cutting_goes_on_where_it_was(radboud, tmp_path):
    out = tmp_path / "tiles"
    work = cut_tiles(radboud, out, PLAN, [])
    for _ in range(3):
        next(work)
    work.close()
    first = {p: p.stat().st_mtime_ns for p in out.rglob("*.png")}
    assert len(first) == 6
    assert not (out / "done.txt").exists()
    cut(radboud, out)
    after = {p: p.stat().st_mtime_ns for p in out.rglob("*.png")}
    assert len(after) > len(first)
    assert first.items() <= after.items()
    assert (out / "done.txt").read_text() == "0005f7aa\n"
    assert len(cut(radboud, out)) == 1  # nothing left but the slide without a mask
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*.png")} == after


def test_tiles_without_tissue_or_labels_are_left_out(radboud, tmp_path):
    counts = []
    for share in (0.0, 0.25, 0.9):
        out = tmp_path / f"tiles{share}"
        cut(radboud, out, TilePlan(100, 1.0, share))
        tiles = open_patch_set(out)
        counts.append(len(tiles))
        assert tiles.labels.any(1).all()
    assert 48 > counts[0] >= counts[1] > counts[2] > 0


def test_other_tiles_are_not_mixed_in(radboud, tmp_path):
    out = tmp_path / "tiles"
    cut(radboud, out)
    with pytest.raises(DataSetError, match="tells of other tiles than these"):
        cut(radboud, out, TilePlan(100, 2.0, 0.5))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("mine")
    with pytest.raises(DataSetError, match="holds something else already"):
        cut(radboud, tmp_path / "other")


def test_a_slide_that_cannot_be_read_is_left_out(radboud, tmp_path):
    radboud.slides[0].source.path.write_bytes(b"II*\0nothing")
    problems = cut(radboud, tmp_path / "tiles")
    assert len(problems) == 2
    assert "0005f7aa.tiff is left out: " in problems[0]


@pytest.mark.parametrize("split", ["train", "val"])
def test_tiles_with_labels_in_their_names(radboud, tmp_path, split):
    slides = tuple(replace(slide, split=split) for slide in radboud.slides)
    list(cut_tiles(replace(radboud, slides=slides), tmp_path / "a", PLAN, [], "labels"))
    cut(radboud, tmp_path / "b")
    plain = open_patch_set(tmp_path / "b")
    part = "train_masks" if split == "train" else split
    named = open_patch_set(tmp_path / "a", "drawn", part)
    assert [name.partition("[")[0] for name in named.names] == [
        name.removesuffix(".png") for name in plain.names
    ]
    assert named.classes == plain.classes
    assert len(set(named.groups)) == 1
    for index in range(len(named)):
        mask = named.mask(index)
        assert np.array_equal(mask, plain.mask(index))
        assert np.array_equal(named.image(index), plain.image(index))
        shares = np.bincount(mask.ravel(), minlength=6)[:5] / mask.size
        assert named.labels[index].tolist() == (shares >= 0.02).astype(int).tolist()


def test_two_ways_of_naming_are_not_mixed(radboud, tmp_path):
    cut(radboud, tmp_path / "a")
    with pytest.raises(DataSetError, match="tells of other tiles"):
        list(cut_tiles(radboud, tmp_path / "a", PLAN, [], "labels"))
