"""The sample files are those that their README lists."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "sample_data"
ROW = re.compile(r"^\| `([^`]+)` \| ([\d,]+) \| `([0-9a-f]{64})` \| \S.*\|$")


def listed() -> dict[str, tuple[int, str]]:
    """Return size in bytes and sha256 by file name, from the table in the README."""
    rows = map(ROW.match, (SAMPLES / "README.md").read_text().splitlines())
    return {
        row[1]: (int(row[2].replace(",", "")), row[3])
        for row in rows
        if row is not None
    }


def found() -> dict[str, tuple[int, str]]:
    """Return size in bytes and sha256 by file name, from the folder."""
    files = [path for path in SAMPLES.rglob("*") if path.is_file()]
    return {
        path.relative_to(SAMPLES).as_posix(): (
            path.stat().st_size,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in files
        if path.name != "README.md"
    }


def test_readme_lists_the_files_as_they_are() -> None:
    assert listed() == found()


def test_samples_stay_small_enough_for_a_wheel() -> None:
    assert sum(size for size, _ in found().values()) < 40_000_000
