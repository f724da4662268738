"""Between two readings of the same pictures the program keeps the washout."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest
from designed_studies import lock, pack, read_all

from napari_histossl.errors import StudyError
from napari_histossl.study import session as sessions
from napari_histossl.study.locking import open_truth
from napari_histossl.study.merging import merge_pack
from napari_histossl.study.session import Session


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    return lock(
        tmp_path_factory.mktemp("washout"),
        per_class=6,
        layout="factorial",
        conditions=("plain", "overlay"),
        repeat_share=0.0,
        washout_days=28,
    )


@pytest.fixture
def study(locked, tmp_path):
    copy = shutil.copytree(locked.folder.path, tmp_path / "study")
    shutil.copy(locked.folder.key, tmp_path / "study.key")
    return type(locked)(
        **{
            **{name: getattr(locked, name) for name in type(locked).__slots__},
            "folder": type(locked.folder)(copy),
        }
    )


def later(monkeypatch, days):
    then = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="milliseconds")
    monkeypatch.setattr(sessions, "now_utc", lambda: then)


def test_a_pack_beside_the_first_one_waits(study, tmp_path, monkeypatch):
    homes = [tmp_path / name for name in ("plain", "overlay")]
    for home in homes:
        home.mkdir()
    first, code = pack(study, homes[0], "anna", condition="plain")
    second, second_code = pack(study, homes[1], "anna", condition="overlay")
    read_all(first, code, "anna", most=3)
    beside = shutil.copy(first, homes[1] / "plain.histostudy.sqlite")
    with pytest.raises(StudyError, match=r"too early.*28 days.*come back on or after"):
        Session.open(second, "anna", code=second_code)
    later(monkeypatch, 27.9)
    with pytest.raises(StudyError, match="too early"):
        Session.open(second, "anna", code=second_code)
    later(monkeypatch, 28.1)
    with Session.open(second, "anna", code=second_code) as session:
        assert session.answered == 0
    assert beside


def test_a_pack_made_after_the_first_came_back_knows_it(study, tmp_path):
    homes = [tmp_path / name for name in ("plain", "overlay")]
    for home in homes:
        home.mkdir()
    first, code = pack(study, homes[0], "anna", condition="plain")
    read_all(first, code, "anna")
    merge_pack(study, open_truth(study, study.folder.key), first)
    second, second_code = pack(study, homes[1], "anna", condition="overlay")
    with pytest.raises(StudyError, match="too early"):
        Session.open(second, "anna", code=second_code)
    other, other_code = pack(study, homes[1], "bert", condition="overlay")
    Session.open(other, "bert", code=other_code).close()
