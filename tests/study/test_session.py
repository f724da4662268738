import io
import multiprocessing
import shutil
import sqlite3
from contextlib import closing

import pytest
from PIL import Image

from napari_histossl import study
from napari_histossl.errors import StudyError
from napari_histossl.study.session import OutOfTurnError


def _rows(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT reader, position, case_id, synthetic, confidence, rt_ms "
            "FROM answers ORDER BY sequence"
        ).fetchall()


def test_reads_to_the_end(files):
    with study.Session.open(files.study, "anna") as session:
        assert (session.title, session.total, session.answered) == (
            "Reader study",
            20,
            0,
        )
        seen = []
        while (case := session.next()) is not None:
            assert (case.position, case.total) == (len(seen) + 1, 20)
            assert Image.open(io.BytesIO(case.png)).size == (24, 24)
            session.answer(case.case_id, len(seen) % 2 == 0, 3, 1200)
            seen.append(case.case_id)
        assert session.answered == 20
    assert len(set(seen)) == 20
    assert [row[:5] for row in _rows(files.study)] == [
        ("anna", place, case, place % 2, 3) for place, case in enumerate(seen, start=1)
    ]


def test_goes_on_where_it_was(files):
    with study.Session.open(files.study, "anna") as session:
        for _ in range(7):
            session.answer(session.next().case_id, True, 1, 10)
        waiting = session.next()
    with study.Session.open(files.study, "anna") as session:
        assert session.answered == 7
        assert session.next() == waiting
    with study.Session.open(files.study, "bert") as session:
        assert session.answered == 0


def test_answer_is_seen_by_others_at_once(files):
    with study.Session.open(files.study, "anna") as session:
        session.answer(session.next().case_id, True, 1, 10)
        assert len(_rows(files.study)) == 1


def test_no_going_back_and_no_skipping(files):
    with study.Session.open(files.study, "anna") as session:
        first = session.next()
        session.answer(first.case_id, True, 1, 10)
        with pytest.raises(OutOfTurnError, match="has an answer already"):
            session.answer(first.case_id, False, 1, 10)
        (last,) = (
            sqlite3.connect(files.study)
            .execute(
                "SELECT case_id FROM orders WHERE reader = 'anna' AND position = 20"
            )
            .fetchone()
        )
        with pytest.raises(OutOfTurnError):
            session.answer(last, True, 1, 10)
        with pytest.raises(OutOfTurnError):
            session.answer("unheard of", True, 1, 10)
    assert len(_rows(files.study)) == 1


def test_saving_the_same_answer_again_is_right(files):
    with study.Session.open(files.study, "anna") as session:
        case = session.next()
        session.answer(case.case_id, True, 2, 10)
        session.answer(case.case_id, True, 2, 10)
    assert len(_rows(files.study)) == 1


def test_second_window_of_a_reader_is_safe(files):
    with (
        study.Session.open(files.study, "anna") as one,
        study.Session.open(files.study, "anna") as two,
    ):
        case = one.next()
        assert two.next() == case
        one.answer(case.case_id, True, 2, 10)
        with pytest.raises(OutOfTurnError):
            two.answer(case.case_id, True, 2, 10)
        assert two.next().position == 2
    assert len(_rows(files.study)) == 1


def _read_all(path, queue):
    given = 0
    with study.Session.open(path, "anna", wait_s=30) as session:
        while (case := session.next()) is not None:
            try:
                session.answer(case.case_id, True, 2, 10)
                given += 1
            except OutOfTurnError:
                pass
    queue.put(given)


def test_two_processes_on_one_reader_give_one_answer_a_case(files):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    readers = [
        context.Process(target=_read_all, args=(files.study, queue)) for _ in range(2)
    ]
    for reader in readers:
        reader.start()
    given = [queue.get(timeout=240) for _ in readers]
    for reader in readers:
        reader.join()
    assert sum(given) == 20
    assert sorted(row[1] for row in _rows(files.study)) == list(range(1, 21))


def test_answer_that_cannot_be_saved_is_said_and_can_be_given_again(files):
    with (
        study.Session.open(files.study, "anna", wait_s=0.05) as session,
        closing(sqlite3.connect(files.study, isolation_level=None)) as other,
    ):
        case = session.next()
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StudyError, match="another program is using it"):
            session.answer(case.case_id, True, 2, 10)
        assert session.next() == case
        other.execute("ROLLBACK")
        session.answer(case.case_id, True, 2, 10)
    assert len(_rows(files.study)) == 1


def _answer_until_done(session):
    while (case := session.next()) is not None:
        session.answer(case.case_id, True, 2, 10)


def test_full_disk_is_said_and_loses_nothing(tmp_path, module_pictures):
    path = study.create_study(
        tmp_path / "a", *module_pictures, per_class=50, readers=("anna",)
    ).study
    with study.Session.open(path, "anna") as session:
        limit = session._connection.execute("PRAGMA page_count").fetchone()[0]
        session._connection.execute(f"PRAGMA max_page_count = {limit}")
        with pytest.raises(StudyError, match="free some space"):
            _answer_until_done(session)
        saved = session.answered
        assert 1 < saved < 100
        assert len(_rows(path)) == saved
        session._connection.execute("PRAGMA max_page_count = 100000")
        _answer_until_done(session)
    assert [row[1] for row in _rows(path)] == list(range(1, 101))


@pytest.mark.parametrize(("confidence", "rt_ms"), [(0, 5), (4, 5), (2, -1)])
def test_answers_that_make_no_sense(files, confidence, rt_ms):
    with (
        study.Session.open(files.study, "anna") as session,
        pytest.raises(StudyError, match="confidence of 1, 2 or 3"),
    ):
        session.answer(session.next().case_id, True, confidence, rt_ms)


_CHANGES = """
UPDATE answers SET synthetic = 1 - synthetic
DELETE FROM answers
INSERT OR REPLACE INTO answers SELECT sequence, session, reader, position, case_id, \
1 - synthetic, 1, 1, '', 1, '' FROM answers
INSERT INTO answers SELECT 99, session, reader, 19, case_id, 1, 1, 1, '', 1, '' \
FROM answers
UPDATE orders SET position = position + 100
DELETE FROM orders
INSERT OR REPLACE INTO orders SELECT reader, position, (SELECT MAX(case_id) \
FROM cases) FROM orders WHERE position = 1
DELETE FROM cases
UPDATE cases SET png = x''
INSERT INTO cases VALUES ('new', x'', '')
INSERT OR REPLACE INTO facts VALUES ('truth_sha256', 'mine')
UPDATE facts SET value = ''
DELETE FROM sessions
INSERT OR REPLACE INTO sessions SELECT session, 'x', 'x', '', '', '' FROM sessions
UPDATE record SET payload = ''
DELETE FROM record
INSERT OR REPLACE INTO record SELECT session, sequence, utc, 0, 'x', 'x', 'x', '', '', \
'' FROM record
INSERT INTO record SELECT session, 3, utc, 0, 'x', 'x', 'x', '', 'x', '' FROM record \
WHERE sequence = 2
UPDATE readers SET order_sha256 = ''
INSERT OR REPLACE INTO readers SELECT reader, '' FROM readers
"""


@pytest.mark.parametrize("statement", _CHANGES.strip().splitlines())
def test_rows_are_never_changed(files, statement):
    with study.Session.open(files.study, "anna") as session:
        session.answer(session.next().case_id, True, 2, 10)
    with closing(sqlite3.connect(files.study)) as connection:
        before = list(connection.iterdump())
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
        connection.rollback()
        assert list(connection.iterdump()) == before


def test_unknown_reader_and_files_that_are_no_study(files, tmp_path):
    with pytest.raises(StudyError, match="no reader 'zoe'; it was made for anna, bert"):
        study.Session.open(files.study, "zoe")
    with pytest.raises(StudyError, match="there is no study"):
        study.Session.open(tmp_path / "nowhere.histostudy.sqlite", "anna")
    assert not (tmp_path / "nowhere.histostudy.sqlite").exists()
    (tmp_path / "text.sqlite").write_text("no database, whatever it is called" * 40)
    sqlite3.connect(tmp_path / "other.sqlite").execute("CREATE TABLE t (a)")
    for name in ("text.sqlite", "other.sqlite"):
        with pytest.raises(StudyError, match="is not a study"):
            study.Session.open(tmp_path / name, "anna")


def test_study_of_a_newer_program(files):
    with closing(sqlite3.connect(files.study)) as connection:
        connection.execute("PRAGMA user_version = 3")
    with pytest.raises(StudyError, match="format 3"):
        study.Session.open(files.study, "anna")


def test_truncated_study(files, tmp_path):
    content = files.study.read_bytes()
    damaged = tmp_path / "half.histostudy.sqlite"
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(StudyError, match="damaged"):
        study.Session.open(damaged, "anna")


def test_copy_of_the_one_file_has_every_answer_even_while_it_is_open(files, tmp_path):
    copy = tmp_path / "copy.histostudy.sqlite"
    with study.Session.open(files.study, "anna") as session:
        for number in range(1, 6):
            session.answer(session.next().case_id, True, 2, 10)
            shutil.copyfile(files.study, copy)
            assert len(_rows(copy)) == number


def test_study_can_be_moved_with_its_answers(files, tmp_path):
    with study.Session.open(files.study, "anna") as session:
        session.answer(session.next().case_id, True, 2, 10)
    moved = tmp_path / "ä b" / "moved #1.histostudy.sqlite"
    moved.parent.mkdir()
    shutil.move(files.study, moved)
    with study.Session.open(moved, "anna") as session:
        assert session.answered == 1
