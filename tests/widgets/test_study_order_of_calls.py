"""An answer is durable before the next picture appears: seen in the system calls."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reading_by_keys import SHOWN
from study_packs import draw

pytest.importorskip("pytestqt")
pytest.importorskip("qtpy.QtWidgets")

from napari_histossl import study

pytestmark = pytest.mark.gui

ANSWERS = 5
TRACED = "trace=pwrite64,fdatasync,fsync,write"
LOG = "histostudy.sqlite-wal"


@pytest.fixture
def trace(qapp, tmp_path):
    """Return the lines of calls, whole or where they end, in their order."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed here")
    folders = draw(tmp_path / "real", 4, 1), draw(tmp_path / "made", 4, 2)
    path = study.create_study(tmp_path / "colon", *folders, readers=("anna",)).study
    script, target = Path(__file__).with_name("reading_by_keys.py"), tmp_path / "trace"
    strace = ["strace", "-f", "-y", "-s", "40", "-o", str(target), "-e", TRACED]
    done = subprocess.run(
        [*strace, sys.executable, str(script), str(path), str(ANSWERS)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    if "ptrace" in done.stderr:
        pytest.skip(f"processes cannot be traced here: {done.stderr[:80]}")
    assert done.returncode == 0, done.stderr
    return target.read_text(errors="replace").splitlines()


def test_answers_are_synced_before_the_next_picture_is_shown(trace):
    shown, is_unsynced, synced, syncing = 0, False, 0, set()
    for line in trace:
        thread = line.split(maxsplit=1)[0]
        if SHOWN.decode() in line:
            # The first picture follows no answer; each other one follows its own.
            assert not is_unsynced
            assert shown == 0 or synced > 0
            shown, synced = shown + 1, 0
        elif LOG in line and "pwrite64(" in line:
            is_unsynced = True
        elif LOG in line and "sync(" in line and "unfinished" in line:
            syncing.add(thread)
        elif (LOG in line and "sync(" in line) or (
            "sync resumed" in line and thread in syncing
        ):
            assert line.endswith("= 0")
            syncing.discard(thread)
            is_unsynced, synced = False, synced + 1
    assert shown == ANSWERS + 1
