"""What a reader was told is saved is there after the process is killed."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from napari_histossl import study


def read_and_kill(study_path: Path, reader: str, after_s: float) -> list[str]:
    """Answer in another process, kill it, and return the cases it confirmed."""
    script = Path(__file__).with_name("_answering.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(study_path), reader],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        first = process.stdout.readline()
        time.sleep(after_s)
        process.kill()
        rest = process.stdout.read()
    whole = (first + rest).rpartition("\n")[0]  # a half-written line confirms nothing
    return whole.split("\n") if whole else []


def check_all_there(study_path: Path, reader: str, confirmed: list[str]) -> int:
    """Check the answers against what was confirmed; return their number."""
    with closing(sqlite3.connect(study_path)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        rows = connection.execute(
            "SELECT position, case_id, synthetic, confidence, rt_ms FROM answers "
            "WHERE reader = ? ORDER BY sequence",
            (reader,),
        ).fetchall()
    assert verdict == "ok"
    assert study.verify_file(study_path).problems == ()
    assert [position for position, *_ in rows] == list(range(1, len(rows) + 1))
    for position, case, synthetic, confidence, rt_ms in rows:
        number = int(case, 16)
        assert (synthetic, confidence, rt_ms) == (number % 2, number % 3 + 1, position)
    # The process may have died between the commit and telling of it: one more at most
    # for every kill, never one fewer.
    assert set(confirmed) <= {case for _, case, *_ in rows}
    return len(rows)


def kill_again_and_again(study_path: Path, kills: int, longest_s: float) -> None:
    rng = np.random.default_rng(11)
    confirmed: list[str] = []
    for kill in range(1, kills + 1):
        confirmed += read_and_kill(study_path, "anna", rng.uniform(0, longest_s))
        assert len(set(confirmed)) == len(confirmed)
        there = check_all_there(study_path, "anna", confirmed)
        assert len(confirmed) <= there <= len(confirmed) + kill
    with study.Session.open(study_path, "anna") as session:
        case = session.next()
        assert session.answered == there
        assert case is None or case.position == there + 1


@pytest.fixture(scope="module")
def long_study(tmp_path_factory, module_pictures):
    folder = tmp_path_factory.mktemp("kill")
    return study.create_study(
        folder / "long", *module_pictures, readers=("anna",)
    ).study


def test_kill_loses_no_confirmed_answer(long_study):
    kill_again_and_again(long_study, kills=10, longest_s=0.1)
    with study.Session.open(long_study, "anna") as session:
        assert 10 <= session.answered < session.total
