"""Kill a process that paints at a moment of chance, then compare with plain numpy."""

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from napari_histossl.annotate import MaskStore, _blocks

SCRIPT = Path(__file__).with_name("plain.py")
PLAIN = runpy.run_path(str(SCRIPT))


def trial(path, confirmed, delay_s=0.0):
    """Kill after some confirmed steps and a delay; return how many steps there are."""
    MaskStore.create(path, PLAIN["SHAPE"], 0.5).close()
    return kill_and_check(path, confirmed, delay_s, 0)


def kill_and_check(path, confirmed, delay_s, steps_before):
    last = _paint_and_kill(path, confirmed, delay_s)
    with _small_blocks(), MaskStore.open(path) as mask:
        mask.verify()
        steps = PLAIN["steps_of"](mask)
        assert steps >= last >= confirmed + steps_before
        plain = PLAIN["plain_after"](steps)
        PLAIN["assert_equal"](mask, plain)
        list(mask.settle())
        PLAIN["assert_equal"](mask, plain)
        mask.verify()
    return steps


@contextlib.contextmanager
def _small_blocks():
    whole_px, _blocks.BLOCK_PX = _blocks.BLOCK_PX, PLAIN["SMALL_BLOCK_PX"]
    try:
        yield
    finally:
        _blocks.BLOCK_PX = whole_px


def _paint_and_kill(path, confirmed, delay_s):
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(path)],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        ) as painter,
    ):
        for _ in range(confirmed):
            last = painter.stdout.readline()
        time.sleep(delay_s)
        painter.send_signal(signal.SIGKILL)
        rest = painter.stdout.read().split(b"\n")
        painter.wait()
        errors.seek(0)
        said = errors.read().decode()
    assert painter.returncode == -signal.SIGKILL, f"{painter.returncode}: {said}"
    # a number that was cut off was not confirmed to anybody
    lines = [line for line in [last.strip(), *rest[:-1]] if line]
    return int(lines[-1])
