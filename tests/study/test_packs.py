"""Packs go out and come back: what is taken, what is refused, nothing lost."""

import json
import shutil
import sqlite3
from contextlib import closing

import designed_studies as designed
import pytest

from napari_histossl import study
from napari_histossl.errors import StudyError
from napari_histossl.study.leak_auc import Separation
from napari_histossl.study.leaks import LeakReport
from napari_histossl.study.merge_chain import MergeChain
from napari_histossl.study.sealing import key_of_code, new_code


@pytest.fixture
def locked(tmp_path):
    return designed.lock(tmp_path)


@pytest.fixture
def truth(locked):
    return study.open_truth(locked, locked.folder.key)


@pytest.fixture
def pack(locked, tmp_path):
    return designed.pack(locked, tmp_path, "anna")


def answers_of(locked):
    readings = study.read_readings(locked, locked.folder.key)
    return [(one.position, one.said_synthetic, one.confidence) for one in readings]


def test_feedback_in_training_and_none_in_the_test(locked, truth, pack):
    path, code = pack
    with study.Session.open(path, "anna", code=code) as session:
        told = []
        for place in range(1, 12):
            case = session.next()
            assert case.is_training == (place <= 6)
            assert session.feedback(case.case_id) is None
            session.answer(case.case_id, True, 2, 900)
            told.append(session.feedback(case.case_id))
    study.merge_pack(locked, truth, path)
    readings = study.read_readings(locked, locked.folder.key)
    assert told[:6] == [one.synthetic for one in readings[:6]]
    assert told[6:] == [None] * 5
    assert [one.kind for one in readings[:6]] == ["training"] * 6
    assert "training" not in {one.kind for one in readings[6:]}


def test_repeats_are_known_after_the_merge_alone(locked, truth, pack):
    path, code = pack
    shown = designed.read_all(path, code, "anna")
    assert len(set(shown)) == len(shown) == 54
    study.merge_pack(locked, truth, path)
    readings = study.read_readings(locked, locked.folder.key)
    repeated = {one.case_id for one in readings if one.kind == "repeat"}
    assert len(repeated) == 4
    assert repeated <= {one.case_id for one in readings if one.kind == "test"}


def test_a_pack_opens_with_its_code_alone(locked, tmp_path, pack):
    path, code = pack
    with pytest.raises(StudyError, match="type the code that came with the pack"):
        study.Session.open(path, "anna")
    with pytest.raises(StudyError, match="six groups of four"):
        study.Session.open(path, "anna", code="please")
    folder = tmp_path / "made" / "on the way"
    _other, its_code = designed.pack(locked, folder, "bert")
    with pytest.raises(StudyError, match="does not open"):
        study.Session.open(path, "anna", code=its_code)
    # Nothing of the attempts is left in the record.
    assert study.verify_file(path).entries == 0
    with study.Session.open(path, "anna", code=f" {code.lower()} ") as session:
        assert session.next().position == 1
    assert key_of_code(code, "one") != key_of_code(code, "other")
    assert len({new_code() for _ in range(50)}) == 50


def test_a_reader_who_comes_back_under_another_name(locked, tmp_path, pack):
    path, code = pack
    with pytest.raises(StudyError, match="no reader 'annabel'; it was made for anna"):
        study.Session.open(path, "annabel", code=code)
    with pytest.raises(StudyError, match=r"'(anna|ANNA)' is named twice"):
        designed.pack(locked, tmp_path, "ANNA")
    with pytest.raises(StudyError, match="anna has a pack already"):
        designed.pack(locked, tmp_path / "plan", "anna")


def test_going_on_and_older_copies(locked, truth, pack, tmp_path):
    path, code = pack
    designed.read_all(path, code, "anna", most=10)
    early = shutil.copy(path, tmp_path / "early.histostudy.sqlite")
    assert study.merge_pack(locked, truth, path).outcome == "taken"
    designed.read_all(path, code, "anna")
    assert study.merge_pack(locked, truth, path).answers == 54
    assert study.merge_pack(locked, truth, early).outcome == "nothing new"
    assert len(answers_of(locked)) == 54
    assert study.verify_folder(locked.folder, locked.folder.key) == []
    assert len(MergeChain(locked.folder.merges).entries()) == 2


def test_a_crash_between_keeping_and_chaining_is_made_good(locked, truth, pack):
    path, code = pack
    designed.read_all(path, code, "anna", most=4)
    study.merge_pack(locked, truth, path)
    (entry,) = MergeChain(locked.folder.merges).entries()
    locked.folder.merges.unlink()
    assert study.merge_pack(locked, truth, path).outcome == "nothing new"
    (again,) = MergeChain(locked.folder.merges).entries()
    assert again.content["heads"] == entry.content["heads"]


def test_what_came_back_and_was_changed_since_is_found(locked, truth, pack):
    path, code = pack
    designed.read_all(path, code, "anna", most=4)
    early = path.read_bytes()
    designed.read_all(path, code, "anna", most=4)
    study.merge_pack(locked, truth, path)
    (kept,) = locked.folder.returned.iterdir()
    kept.write_bytes(early)
    (problem,) = study.verify_folder(locked.folder)
    assert "sessions of anna were cut short" in problem
    study.merge_pack(locked, truth, path)
    assert study.verify_folder(locked.folder) == []
    with closing(sqlite3.connect(locked.folder.merges)) as connection:
        connection.execute("DROP TRIGGER merges_no_update")
        connection.execute("UPDATE merges SET payload = replace(payload, '8', '7')")
        connection.commit()
    assert any("merge 1 was changed" in p for p in study.verify_folder(locked.folder))


def test_a_truth_that_was_left_open_is_noticed(locked, truth):
    truth.write(locked.folder.truth)
    (problem,) = study.verify_folder(locked.folder)
    assert "lies open beside the lock" in problem


def test_a_pack_opened_on_two_computers(locked, truth, pack, tmp_path):
    path, code = pack
    second = tmp_path / "second.histostudy.sqlite"
    shutil.copy(path, second)
    designed.read_all(path, code, "anna", most=12)
    designed.read_all(second, code, "anna", most=30)
    study.merge_pack(locked, truth, path)
    before, content = answers_of(locked), second.read_bytes()
    with pytest.raises(StudyError, match="as if the pack of anna had been opened on"):
        study.merge_pack(locked, truth, second)
    assert (answers_of(locked), second.read_bytes()) == (before, content)
    merged = study.merge_pack(locked, truth, second, aside=True)
    assert merged.outcome == "put aside"
    assert answers_of(locked) == before
    (aside,) = locked.folder.returned.glob("*.aside-1.*")
    assert study.verify_file(aside).answers == 30
    assert study.verify_folder(locked.folder) == []


def test_answers_for_an_unknown_study(locked, truth, tmp_path):
    other = designed.lock(tmp_path / "other", seed=8)
    path, code = designed.pack(other, tmp_path / "other", "anna")
    designed.read_all(path, code, "anna", most=3)
    content = path.read_bytes()
    with pytest.raises(StudyError, match="belongs to an unknown study"):
        study.merge_pack(locked, truth, path)
    assert path.read_bytes() == content
    (locked.folder.packs).unlink(missing_ok=True)
    mine, _ = designed.pack(locked, tmp_path, "bert")
    locked.folder.packs.unlink()
    with pytest.raises(StudyError, match="is not a pack that was made from"):
        study.merge_pack(locked, truth, mine)
    assert not locked.folder.returned.exists()


def test_a_pack_that_was_changed_is_not_taken(locked, truth, pack):
    path, code = pack
    designed.read_all(path, code, "anna", most=5)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER answers_no_update")
        connection.execute("UPDATE answers SET confidence = 4 - confidence")
        connection.commit()
    with pytest.raises(StudyError, match="is not whole, and nothing of it was taken"):
        study.merge_pack(locked, truth, path)
    assert answers_of(locked) == []


def test_a_picture_of_one_changed_byte_is_not_shown(pack):
    path, code = pack
    with closing(sqlite3.connect(path)) as connection:
        ((blob,),) = connection.execute("SELECT png FROM cases LIMIT 1").fetchall()
    content = bytearray(path.read_bytes())
    content[content.find(blob[:40]) + 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(StudyError, match=r"changed|does not open"):
        designed.read_all(path, code, "anna")
    assert "was changed" in study.verify_file(path).problems[0]


# ---- the lock


def test_a_locked_study_changed_by_one_byte(locked, tmp_path):
    whole = locked.folder.lock.read_bytes()
    for word in (b'"margin": 0.1', b"one condition", b'"gan"', locked.sha256.encode()):
        place = whole.index(word) + len(word) - 2
        changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        locked.folder.lock.write_bytes(changed)
        with pytest.raises(StudyError):
            study.read_lock(locked.folder)
        assert study.verify_folder(locked.folder)
    locked.folder.lock.write_bytes(whole)
    assert study.read_lock(locked.folder) == locked
    sealed = bytearray(locked.folder.sealed.read_bytes())
    sealed[-1] ^= 1
    locked.folder.sealed.write_bytes(sealed)
    assert study.verify_folder(locked.folder) == []
    (problem,) = study.verify_folder(locked.folder, locked.folder.key)
    assert "does not open" in problem


def test_nothing_of_the_truth_lies_open_after_the_lock(locked, truth):
    folder = locked.folder
    assert not folder.truth.exists()
    assert folder.key.parent == folder.path.parent
    open_content = folder.lock.read_bytes() + folder.pictures.read_bytes()
    open_content += folder.sealed.read_bytes() + folder.training.read_bytes()
    assert truth.seed not in open_content
    assert truth.seed.hex().encode() not in open_content
    names = {row.file for row in truth.cases.values()}
    assert not [name for name in names if name.encode() in open_content]
    content = json.loads(folder.lock.read_text())
    assert content["counts"] == {
        "test real": 20,
        "test synthetic": 20,
        "training real": 3,
        "training synthetic": 3,
        "catch real": 2,
        "catch synthetic": 2,
    }
    assert truth.of_role("test", "catch").commitment == content["truth_sha256"]


def test_the_key_of_another_study(locked, tmp_path):
    other = designed.lock(tmp_path / "other", seed=8)
    with pytest.raises(StudyError, match="is the key of another study"):
        study.open_truth(locked, other.folder.key)
    with pytest.raises(StudyError, match="is not the key of a study"):
        study.open_truth(locked, locked.folder.lock)
    with pytest.raises(StudyError, match="cannot be read"):
        study.open_truth(locked, tmp_path / "lost.key")


def test_a_study_is_locked_once_and_keeps_its_key_apart(locked, tmp_path):
    with pytest.raises(StudyError, match="a change makes a new study"):
        study.lock_study(locked.folder)
    with pytest.raises(StudyError, match="is not made again"):
        list(study.check_study(locked.folder))
    plan = designed.plan_of(tmp_path / "b")
    list(study.draft_study(plan))
    made = study.StudyFolder(plan.folder)
    with pytest.raises(StudyError, match="would lie in the folder that it opens"):
        study.lock_study(made, made.path / "study.key")
    list(study.check_study(made))
    made.key.write_text("precious")
    with pytest.raises(StudyError, match="never overwritten"):
        study.lock_study(made)
    assert made.key.read_text() == "precious"
    assert made.truth.exists()
    assert not made.sealed.exists()


def test_a_study_that_leaks_is_locked_with_a_reason_only(tmp_path):
    plan = designed.plan_of(tmp_path)
    list(study.draft_study(plan))
    made = study.StudyFolder(plan.folder)
    list(study.check_study(made))
    content = json.loads(made.leaks.read_text())
    leaking = LeakReport(20, 20, (Separation("borders", 0.9, 0.7, 1.0),)).as_json()
    made.leaks.write_text(json.dumps({**content, "report": leaking}))
    with pytest.raises(StudyError, match="or say why the study is made all the same"):
        study.lock_study(made)
    assert not made.key.exists()
    locked = study.lock_study(made, override="borders are what is studied")
    assert locked.override == "borders are what is studied"
    assert study.read_lock(made).leaks.leaks[0].name == "borders"


def test_conditions_have_packs_of_their_own(tmp_path):
    locked = designed.lock(
        tmp_path, layout="factorial", conditions=("bare", "overlay"), washout_days=0
    )
    with pytest.raises(StudyError, match="no condition 'x'; its conditions: bare"):
        designed.pack(locked, tmp_path, "anna", condition="x")
    truth = study.open_truth(locked, locked.folder.key)
    for condition in ("bare", "overlay"):
        (tmp_path / condition).mkdir()
        path, code = designed.pack(
            locked, tmp_path / condition, "anna", condition=condition
        )
        designed.read_all(path, code, "anna", most=9)
        study.merge_pack(locked, truth, path)
    readings = study.read_readings(locked, locked.folder.key)
    assert {one.condition for one in readings} == {"bare", "overlay"}
    assert len(readings) == 18
