"""A study file is proved whole, or what was changed is found."""

import json
import sqlite3
from contextlib import closing

import designed_studies as designed
import pytest

from napari_histossl import study
from napari_histossl.errors import StudyError
from napari_histossl.study import record
from napari_histossl.study.database import open_database
from napari_histossl.study.verify import verify_file


@pytest.fixture
def read(files, answer_all):
    answer_all(files.study, "anna")
    with study.Session.open(files.study, "bert") as session:
        for _ in range(5):
            session.answer(
                session.next().case_id, False, 1, 500, {"reasons": ["grain"]}
            )
        session.note("break", {"minutes": 3})
    return files.study


def tamper(path, *statements):
    """Change a study as somebody would who knows SQLite."""
    with closing(sqlite3.connect(path)) as connection:
        rules = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        for name, _sql in rules:
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        for _name, sql in rules:
            connection.execute(sql)
        connection.commit()


def test_an_untouched_study_is_whole(read):
    found = verify_file(read)
    assert (found.problems, found.notes) == ((), ())
    assert found.is_whole
    assert (found.answers, found.entries, len(found.heads)) == (25, 25 + 2 + 1, 2)
    tamper(read)
    assert verify_file(read) == found


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        (
            "UPDATE answers SET synthetic = 0 WHERE reader = 'anna' AND position = 7",
            "the answer of anna to picture 7",
        ),
        ("UPDATE answers SET rt_ms = 1 WHERE sequence = 3", "picture 3 is not what"),
        ("DELETE FROM answers WHERE sequence = 20", "picture 20 is missing"),
        (
            "UPDATE record SET payload = '{}' WHERE session = 2 AND event = 'break'",
            "session 2, entry 7 (break): it was changed",
        ),
        (
            "DELETE FROM record WHERE session = 1 AND sequence = 9",
            "session 1, entry 10 (answer): an entry before it is missing",
        ),
        (
            "UPDATE record SET utc = '2031' WHERE sequence = 4 AND session = 1",
            "session 1, entry 4 (answer): it was changed",
        ),
        ("UPDATE sessions SET display = 'x' WHERE session = 1", "does not begin with"),
        ("UPDATE sessions SET reader = 'anna'", "not of anna"),
        ("UPDATE cases SET png = x'00' WHERE rowid = 1", "was changed"),
        ("UPDATE facts SET value = 'Mine' WHERE name = 'title'", "facts of the study"),
        ("DELETE FROM orders WHERE position = 9 AND reader = 'bert'", "order of bert"),
    ],
)
def test_a_change_is_found_where_it_is(read, statement, where):
    tamper(read, statement)
    problems = verify_file(read).problems
    assert any(where in problem for problem in problems), problems


def test_a_rule_that_was_taken_out_is_named(read):
    with closing(sqlite3.connect(read)) as connection:
        connection.execute("DROP TRIGGER answers_no_update")
    assert "rule or table answers_no_update" in verify_file(read).problems[0]


def test_an_entry_that_was_made_up_breaks_the_chain(read):
    with closing(sqlite3.connect(read)) as connection:
        row = connection.execute(
            "SELECT * FROM record WHERE session = 1 AND sequence = 5"
        ).fetchone()
    changed = record.Entry(*row[:7], '{"made":"up"}', *row[8:])
    tamper(
        read,
        f"UPDATE record SET payload = '{changed.payload}', "
        f"hash = '{changed.computed_hash()}' WHERE session = 1 AND sequence = 5",
    )
    assert "entry 6 (answer): it does not follow" in verify_file(read).problems[0]


def _content(path):
    with closing(open_database(path)) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall()
        return {
            name: connection.execute(f"SELECT * FROM {name}").fetchall()
            for (name,) in tables
        }


def test_a_byte_changed_anywhere_is_found_or_changes_nothing(read, rng):
    whole, before = read.read_bytes(), _content(read)
    found = 0
    for place in rng.integers(0, len(whole), 60).tolist():
        changed = bytearray(whole)
        changed[place] ^= 1 + int(rng.integers(0, 255))
        read.write_bytes(changed)
        try:
            if verify_file(read).is_whole:
                assert _content(read) == before, place
                continue
        except StudyError:
            pass
        found += 1
    assert found >= 30


# ---- what a session records


def test_record_says_program_display_and_both_clocks(files):
    with study.Session.open(files.study, "anna", display="24 inch at 1.5") as session:
        session.answer(
            session.next().case_id, True, 3, 812, {"mark": [3, 4], "idle_ms": 0}
        )
    with closing(open_database(files.study)) as connection:
        opened, answer = record.read_entries(connection)
    assert json.loads(opened.payload)["display"] == "24 inch at 1.5"
    assert json.loads(opened.payload)["application"].startswith("napari-histossl")
    told = json.loads(answer.payload)
    assert (told["confidence"], told["rt_ms"]) == (3, 812)
    assert json.loads(told["details"]) == {"idle_ms": 0, "mark": [3, 4]}
    assert answer.monotonic_ns > opened.monotonic_ns
    assert (answer.actor, answer.role) == ("anna", "reader")


def test_a_clock_that_is_set_back_is_on_record(files, monkeypatch):
    real = record.time.time_ns
    with study.Session.open(files.study, "anna") as session:
        session.answer(session.next().case_id, True, 2, 10)
        monkeypatch.setattr(record.time, "time_ns", lambda: real() - 3600 * 10**9)
        session.answer(session.next().case_id, True, 2, 10)
        assert session.answered == 2
    assert verify_file(files.study).notes == (
        "session 1: the clock was set by -3600.0 s",
    )
    assert verify_file(files.study).is_whole


def test_a_study_is_not_opened_before_its_last_answer(files, monkeypatch):
    with study.Session.open(files.study, "anna") as session:
        session.answer(session.next().case_id, True, 2, 10)
    monkeypatch.setattr(
        "napari_histossl.study.session.now_utc", lambda: "2020-01-01T00:00:00.000+00:00"
    )
    with pytest.raises(StudyError, match=r"set the clock right .* nothing is lost"):
        study.Session.open(files.study, "anna")
    monkeypatch.undo()
    with study.Session.open(files.study, "anna") as session:
        assert session.answered == 1


def test_corrections_are_new_entries_where_the_design_allows_them(tmp_path, files):
    with study.Session.open(files.study, "anna") as session:
        first = session.next().case_id
        session.answer(first, True, 2, 10)
        with pytest.raises(StudyError, match="allows no way back"):
            session.correct(first, False, 1, "wrong key")
    locked = designed.lock(tmp_path / "new", way_back=True, repeat_share=0.0)
    path, code = designed.pack(locked, tmp_path, "anna")
    with study.Session.open(path, "anna", code=code) as session:
        for _ in range(7):
            last = session.next().case_id
            session.answer(last, True, 3, 10)
        with pytest.raises(StudyError, match="and a reason"):
            session.correct(last, False, 1, " ")
        session.correct(last, False, 1, "wrong key")
    assert verify_file(path).is_whole
    study.merge_pack(locked, study.open_truth(locked, locked.folder.key), path)
    readings = study.read_readings(locked, locked.folder.key)
    assert [one.said_synthetic for one in readings] == [True] * 6 + [False]
    assert readings[-1].confidence == 1


def test_what_json_does_not_take_is_refused(files):
    with study.Session.open(files.study, "anna") as session:
        with pytest.raises(StudyError, match="kept as JSON"):
            session.answer(session.next().case_id, True, 2, 10, {"mark": {1, 2}})
        with pytest.raises(StudyError, match="kept as JSON"):
            session.note("break", {"minutes": float("nan")})
        assert session.answered == 0
