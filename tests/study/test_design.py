import io
import json
import os
import re
import sqlite3
import stat
import sys
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from napari_histossl import study
from napari_histossl.errors import StudyError
from napari_histossl.study.truth import read_truth


def _query(path, text):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(text).fetchall()


def test_names_of_the_files(files, tmp_path):
    assert files.study == tmp_path / "colon.histostudy.sqlite"
    assert files.truth == tmp_path / "colon.truth.json"
    assert study.study_files(files.study).truth == files.truth
    assert files.warnings == ()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "colon.histostudy.sqlite",
        "colon.truth.json",
    ]


def test_readers_may_know_this(files):
    about = study.Study.open(files.study)
    assert (about.pictures, about.shape, about.mpp) == (20, (24, 24), None)
    assert about.readers == (
        study.ReaderProgress("anna", 0, 20),
        study.ReaderProgress("bert", 0, 20),
    )
    assert about.commitment == read_truth(files.truth).commitment


# ---- blinding


def test_study_file_names_no_file_folder_or_class(files, folders):
    content = files.study.read_bytes()
    names = [path.name for folder in folders for path in folder.iterdir()]
    for word in (*names, *(folder.name for folder in folders), "tumour", "generator"):
        assert word.encode() not in content
    truth = read_truth(files.truth)
    assert truth.seed not in content
    assert truth.seed.hex().encode() not in content
    facts = dict(_query(files.study, "SELECT name, value FROM facts"))
    assert set(facts) == {
        "study_id",
        "title",
        "height_px",
        "width_px",
        "mpp",
        "created_utc",
        "truth_sha256",
        "seal_sha256",
    }


def test_pictures_have_one_length_and_lie_in_the_order_of_their_ids(files):
    rows = _query(files.study, "SELECT rowid, case_id, LENGTH(png) FROM cases")
    assert len({length for _, _, length in rows}) == 1
    assert [case for _, case, _ in sorted(rows)] == sorted(case for _, case, _ in rows)
    assert all(re.fullmatch("[0-9a-f]{16}", case) for _, case, _ in rows)


def test_ids_and_places_do_not_follow_the_class(tmp_path, folders):
    # 60 studies: the class of the smallest id and of the first picture is a coin toss.
    smallest = first = 0
    for seed in range(60):
        files = study.create_study(tmp_path / f"s{seed}", *folders, seed=seed)
        cases = read_truth(files.truth).cases
        smallest += cases[min(cases)].synthetic
        (order,) = _query(files.study, "SELECT case_id FROM orders WHERE position = 1")
        first += cases[order[0]].synthetic
    assert 15 < smallest < 45
    assert 15 < first < 45


def test_both_classes_lose_their_metadata(tmp_path, draw_pictures):
    real, synthetic = tmp_path / "real", tmp_path / "synthetic"
    draw_pictures(synthetic, 4, seed=1)
    draw_pictures(real, 4, seed=2)
    for path in real.iterdir():
        exif = Image.Exif()
        exif[0x010E] = "scanner 9000"
        Image.open(path).save(path, exif=exif, dpi=(72, 72))
    files = study.create_study(tmp_path / "a", real, synthetic)
    for (png,) in _query(files.study, "SELECT png FROM cases"):
        assert set(
            re.findall(rb"(IHDR|IDAT|IEND|eXIf|pHYs|tEXt|zTXt|iTXt|tIME)", png)
        ) <= {
            b"IHDR",
            b"IDAT",
            b"IEND",
        }
        assert Image.open(io.BytesIO(png)).info == {}


def test_pixels_are_unchanged(files, folders):
    truth = read_truth(files.truth)
    for case, png in _query(files.study, "SELECT case_id, png FROM cases"):
        folder = folders[truth.cases[case].synthetic]
        np.testing.assert_array_equal(
            np.asarray(Image.open(io.BytesIO(png))),
            np.asarray(Image.open(folder / truth.cases[case].file)),
        )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_truth_is_the_owners(files):
    assert stat.S_IMODE(os.stat(files.truth).st_mode) == 0o600


def test_two_studies_of_the_same_folders_differ(tmp_path, folders):
    one = study.create_study(tmp_path / "one", *folders)
    two = study.create_study(tmp_path / "two", *folders)
    ids = [set(read_truth(files.truth).cases) for files in (one, two)]
    assert not ids[0] & ids[1]


# ---- what is taken


def test_smaller_folder_decides_and_extra_pictures_stay_out(tmp_path, draw_pictures):
    few = draw_pictures(tmp_path / "few", 5, seed=1)
    many = draw_pictures(tmp_path / "many", 9, seed=2)
    files = study.create_study(tmp_path / "a", few, many)
    truth = read_truth(files.truth)
    assert len(truth.of_class(synthetic=True)) == 5
    assert len(truth.of_class(synthetic=False)) == 5
    files = study.create_study(tmp_path / "b", few, many, per_class=3, mpp=0.5)
    assert study.Study.open(files.study).pictures == 6
    assert study.Study.open(files.study).mpp == 0.5


def test_centres_are_cut_when_a_size_is_asked_for(tmp_path, draw_pictures):
    small = draw_pictures(tmp_path / "small", 3, seed=1, size_px=20)
    large = draw_pictures(tmp_path / "large", 3, seed=2, size_px=31)
    files = study.create_study(tmp_path / "a", small, large, size_px=16)
    assert study.Study.open(files.study).shape == (16, 16)


def test_kinds_of_files_that_differ_are_warned_about(tmp_path, draw_pictures):
    real = draw_pictures(tmp_path / "real", 3, seed=1)
    synthetic = draw_pictures(tmp_path / "synthetic", 3, seed=2)
    for path in list(real.iterdir()):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    files = study.create_study(tmp_path / "a", real, synthetic)
    assert "jpg" in files.warnings[0]
    assert "png" in files.warnings[0]


def test_reader_can_be_added_by_who_has_the_truth(files, tmp_path, folders):
    study.add_reader(files.study, files.truth, "carla")
    assert study.Study.open(files.study).reader("carla").total == 20
    with pytest.raises(StudyError, match="twice"):
        study.add_reader(files.study, files.truth, "Carla")
    other = study.create_study(tmp_path / "other", *folders)
    with pytest.raises(StudyError, match="another study"):
        study.add_reader(files.study, other.truth, "dora")


# ---- bad input


def _assert_nothing_left(tmp_path, *kept):
    left = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert left == set(kept)


def test_empty_folder(tmp_path, folders):
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match=r"no picture in the folder .*empty"):
        study.create_study(tmp_path / "a", folders[0], tmp_path / "empty")
    _assert_nothing_left(tmp_path)


def test_unreadable_picture(tmp_path, folders):
    (folders[1] / "picture3.png").write_text("not a picture")
    with pytest.raises(StudyError, match=r"picture3\.png cannot be read"):
        study.create_study(tmp_path / "a", *folders)
    _assert_nothing_left(tmp_path)


def test_one_picture_only(tmp_path, folders, draw_pictures):
    lonely = draw_pictures(tmp_path / "lonely", 1, seed=9)
    with pytest.raises(StudyError, match="at least 2 pictures of each class; found 1"):
        study.create_study(tmp_path / "a", lonely, folders[1])
    with pytest.raises(StudyError, match="or ask for fewer"):
        study.create_study(tmp_path / "a", *folders, per_class=11)
    _assert_nothing_left(tmp_path)


def test_same_folder_twice(tmp_path, folders):
    with pytest.raises(StudyError, match="same folder"):
        study.create_study(tmp_path / "a", folders[0], folders[0])


@pytest.mark.parametrize("place", [0, 1])
def test_same_picture_twice_whatever_the_file(tmp_path, folders, place):
    picture = Image.open(folders[0] / "picture4.png")
    picture.save(folders[place] / "copy.tif")
    (folders[place] / "picture5.png").unlink()
    with pytest.raises(StudyError, match="are the same picture"):
        study.create_study(tmp_path / "a", *folders)
    _assert_nothing_left(tmp_path)


def test_pictures_of_two_sizes(tmp_path, folders, draw_pictures):
    other = draw_pictures(tmp_path / "other", 10, seed=3, size_px=25)
    with pytest.raises(StudyError, match="ask for a size"):
        study.create_study(tmp_path / "a", folders[0], other)
    with pytest.raises(StudyError, match="smaller than the 25 x 25"):
        study.create_study(tmp_path / "a", folders[0], other, size_px=25)
    _assert_nothing_left(tmp_path)


@pytest.mark.parametrize("taken", ["a.histostudy.sqlite", "a.truth.json"])
def test_existing_files_are_never_overwritten(tmp_path, folders, taken):
    (tmp_path / taken).write_text("precious")
    with pytest.raises(StudyError, match="never overwritten"):
        study.create_study(tmp_path / "a", *folders)
    assert (tmp_path / taken).read_text() == "precious"
    _assert_nothing_left(tmp_path, taken)


@pytest.mark.parametrize("taken", ["a.histostudy.sqlite", "a.truth.json"])
def test_file_that_appears_meanwhile_is_not_overwritten(tmp_path, folders, taken):
    work = study.build_study(study.StudyPlan(tmp_path / "a", *folders))
    next(work)
    (tmp_path / taken).write_text("precious")
    with pytest.raises(StudyError, match="never overwritten"):
        list(work)
    assert (tmp_path / taken).read_text() == "precious"
    _assert_nothing_left(tmp_path, taken)


def test_closing_half_way_leaves_nothing(tmp_path, folders):
    work = study.build_study(study.StudyPlan(tmp_path / "a", *folders))
    assert [next(work).done for _ in range(3)] == [1, 2, 3]
    work.close()
    _assert_nothing_left(tmp_path)


def test_folder_that_is_not_there(tmp_path, folders):
    with pytest.raises(StudyError, match="no folder"):
        study.create_study(tmp_path / "nowhere" / "a", *folders)
    with pytest.raises(StudyError, match="no folder"):
        study.create_study(tmp_path / "a", tmp_path / "nowhere", folders[1])


@pytest.mark.parametrize(
    "readers", [(), ("",), (" anna",), ("anna", "ANNA"), ("a\nb",), ("a" * 65,)]
)
def test_names_of_readers_that_do_not_do(tmp_path, folders, readers):
    with pytest.raises(StudyError, match="reader"):
        study.create_study(tmp_path / "a", *folders, readers=readers)
    _assert_nothing_left(tmp_path)


# ---- the commitment


def test_truth_that_was_changed_does_not_fit(files):
    content = json.loads(files.truth.read_text())
    case = min(content["cases"])
    content["cases"][case]["synthetic"] = not content["cases"][case]["synthetic"]
    files.truth.write_text(json.dumps(content))
    with pytest.raises(StudyError, match="changed since"):
        study.read_results(files.study, files.truth)


def test_layout_of_the_truth_file_does_not_matter(files):
    content = json.loads(files.truth.read_text())
    files.truth.write_text(json.dumps(dict(reversed(content.items())), indent=7))
    study.read_results(files.study, files.truth)
