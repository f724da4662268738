"""How long a person waits for the first line: imports and the command's help.

Each round starts an interpreter, so the time includes Python's own start; the empty
interpreter is there to subtract.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

STARTS = {
    "nothing": "pass",
    "package": "import napari_histossl",
    "open_slide": "from napari_histossl import open_slide",
    "help": "from napari_histossl.cli import main; main(['--help'])",
}


@pytest.mark.parametrize("start", STARTS)
def test_start(benchmark, start: str) -> None:
    command = [sys.executable, "-c", STARTS[start]]
    done = benchmark.pedantic(
        subprocess.run,
        args=(command,),
        kwargs={"capture_output": True, "check": False},
        rounds=5,
        warmup_rounds=1,
    )
    assert done.returncode == 0, done.stderr
