from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from napari_histossl.errors import StoreError, StoreLockedError
from napari_histossl.store import WriterLock


def test_a_second_writer_is_told_who_holds_the_lock(tmp_path):
    with (
        WriterLock(tmp_path / "a"),
        pytest.raises(StoreLockedError, match=f"process {os.getpid()} on"),
    ):
        WriterLock(tmp_path / "a").acquire()
    lock = WriterLock(tmp_path / "a").acquire()
    assert lock.is_held
    lock.release()
    lock.release()
    assert not lock.is_held


def test_acquiring_twice_is_once(tmp_path):
    lock = WriterLock(tmp_path / "a")
    lock.acquire()
    lock.acquire()
    lock.release()
    WriterLock(tmp_path / "a").acquire().release()


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    script = (
        "import sys; from napari_histossl.store import WriterLock;"
        f"WriterLock({str(tmp_path / 'a')!r}).acquire();"
        "print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout.readline().strip() == b"held"
    with pytest.raises(StoreLockedError, match=f"process {child.pid} on"):
        WriterLock(tmp_path / "a").acquire()
    child.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    child.wait()
    with WriterLock(tmp_path / "a") as lock:
        assert lock.is_held
    child.stdin.close()
    child.stdout.close()


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="workspace"):
        WriterLock(tmp_path / "file" / "a").acquire()
