"""Worklists: which files, which order, what is skipped, what is masked."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_histossl.errors import SlideOpenError
from napari_histossl.panels.worklist import Entry, Worklist, check, open_worklist

NAMES = ("b.svs", "a10.svs", "a2.svs", "Ünal.TIF")


def paths(worklist: Worklist) -> list[str]:
    return [entry.path.name for entry in worklist.entries]


@pytest.fixture
def folder(tmp_path):
    for name in (*NAMES, "notes.txt", ".hidden.svs"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "a2.svs.histossl").mkdir()
    (tmp_path / "folder.svs").mkdir()
    return tmp_path


def test_slides_are_listed_as_people_sort(folder):
    worklist = open_worklist(folder)
    assert paths(worklist) == ["a2.svs", "a10.svs", "b.svs", "Ünal.TIF"]
    assert worklist.position is None
    assert worklist.name(0) == "a2.svs"
    assert worklist.alias(0) is None


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_a_folder_without_slides_is_told(tmp_path, kind):
    path = tmp_path / "slides"
    if kind == "empty":
        path.mkdir()
    elif kind == "file":
        path.touch()
    with pytest.raises(SlideOpenError, match="slides"):
        open_worklist(path)


def test_jpegs_of_a_hamamatsu_slide_are_not_slides(tmp_path):
    for name in ("scan.vms", "scan_map.jpg", "scan_0.jpg"):
        (tmp_path / name).write_bytes(b"x")
    assert paths(open_worklist(tmp_path)) == ["scan.vms"]


def test_next_and_previous_skip_what_cannot_be_opened(folder):
    worklist = open_worklist(folder)
    assert worklist.after(1) == 0
    worklist = worklist.checked(worklist.entries[1].path, "a10.svs is empty").at(0)
    assert worklist.after(1) == 2
    assert worklist.at(2).after(-1) == 0
    assert worklist.at(0).after(-1) is None
    assert worklist.at(3).after(1) is None


def test_masked_names_tell_nothing(folder):
    worklist = open_worklist(folder).at(2)
    problem = f"{folder}/a10.svs is empty (0 bytes); unlike a2.svs; copy it again"
    worklist = worklist.checked(folder / "a10.svs", problem)
    opened = worklist.entries[2].path
    masked = worklist.masked(seed=5)
    texts = [masked.name(i) + (masked.problem(i) or "") for i in range(4)]
    for name in NAMES:
        assert not any(name in text for text in texts)
    assert str(folder) not in "".join(texts)
    assert [masked.alias(i) for i in range(4)] == [f"Slide {i}" for i in (1, 2, 3, 4)]
    assert masked.entries[masked.position].path == opened
    assert sorted(paths(masked)) == sorted(paths(worklist))
    assert masked == worklist.masked(seed=5)
    assert len({tuple(paths(worklist.masked(seed))) for seed in range(20)}) > 5
    assert masked.unmasked() == worklist


def test_files_of_one_series_are_one_slide(tmp_path):
    first, second = tmp_path / "1.dcm", tmp_path / "2.dcm"
    worklist = Worklist((Entry(first), Entry(second)))
    worklist = worklist.checked(first, None, "1.2.3").checked(second, None, "1.2.3")
    assert worklist.entries[0].problem is None
    assert worklist.entries[1].problem == "2.dcm is another file of 1.dcm"
    assert worklist.checked(first, None, "1.2.3") == worklist


def test_a_file_is_checked_by_opening_it(tiny_tiff, tmp_path):
    assert check(tiny_tiff) == (None, None)
    bad = tmp_path / "bad.svs"
    bad.write_bytes(b"no slide at all")
    problem, _series = check(bad)
    assert "bad.svs" in problem
    problem, _series = check(Path("nowhere.svs"))
    assert "does not exist" in problem
