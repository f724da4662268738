"""An answer is on the disk before the next picture, whatever happens after."""

import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest

from napari_histossl import study
from napari_histossl.errors import StudyError

READ_AND_SAY_SO = """
    import os
    from napari_histossl.study import Session
    with Session.open({path!r}, "anna") as session:
        while (case := session.next()) is not None:
            os.write(1, b"shown")
            session.answer(case.case_id, True, 2, 900)
            os.write(1, b"saved")
"""

CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (\S+)", re.MULTILINE)
TRACED = "write,pwrite64,fsync,fdatasync"


@pytest.fixture
def calls(files, tmp_path):
    """System calls of a process that reads a study: name, and path or text."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed here")
    trace = tmp_path / "trace.txt"
    code = textwrap.dedent(READ_AND_SAY_SO.format(path=str(files.study)))
    strace = ["strace", "-f", "-y", "-s", "8", "-e", f"trace={TRACED}", "-o", trace]
    done = subprocess.run(
        [*strace, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if "ptrace" in done.stderr:
        pytest.skip(f"processes cannot be traced here: {done.stderr[:80]}")
    assert done.stdout == "shownsaved" * 20, done.stderr
    return [
        (name, *re.findall(r'<([^>]*)>|"([^"]*)"', arguments))
        for name, arguments, _result in CALL.findall(trace.read_text(errors="replace"))
    ]


def test_an_answer_is_on_the_disk_before_the_next_picture_is_shown(calls):
    log = "colon.histostudy.sqlite-wal"
    written = unsynced = False
    saved = 0
    for name, *places in calls:
        where = places[0][0]
        if name == "pwrite64" and where.endswith(log):
            written = unsynced = True
        elif name in ("fsync", "fdatasync") and where.endswith(log):
            unsynced = False
        elif name == "write" and places[-1][1] == "shown":
            written = False
        elif name == "write" and places[-1][1] == "saved":
            assert written, "nothing was written since the picture was shown"
            assert not unsynced, "the log was written to and not brought to the disk"
            saved += 1
    assert saved == 20


def _note_for_ever(session):
    while True:
        session.note("n")


def test_a_disk_that_fills_up_at_answer_57(tmp_path, module_pictures):
    path = study.create_study(
        tmp_path / "a", *module_pictures, per_class=40, readers=("anna",)
    ).study
    with study.Session.open(path, "anna") as session:
        for _ in range(56):
            session.answer(session.next().case_id, True, 2, 700)
        pages = session._connection.execute("PRAGMA page_count").fetchone()[0]
        session._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StudyError, match="free some space"):
            _note_for_ever(session)
        case = session.next()
        assert case.position == 57
        with pytest.raises(StudyError, match="free some space on the disk"):
            session.answer(case.case_id, True, 2, 700, {"reasons": ["x" * 400]})
        assert session.answered == 56
        assert session.next() == case
        assert study.verify_file(path).answers == 56
        session._connection.execute("PRAGMA max_page_count = 100000")
        session.answer(case.case_id, True, 2, 700, {"reasons": ["x" * 400]})
        assert session.next().position == 58
    assert study.verify_file(path).is_whole
