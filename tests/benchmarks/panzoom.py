"""Pan and zoom in real windows: ours against napari's own drawing and its peers.

usage: python tests/benchmarks/panzoom.py [--repeats 5] [--windows small,large]
           [--variants "NAME;NAME"] [--slide PATH] [--peers FOLDER] [--out RESULT.json]

Each run is a process of its own; the variants take turns, so that other work on the
machine falls on all of them. A number is the median over the runs. `base`, a small
picture in memory, is the floor of the machine: read every other row against it. Cores
of virtual machines share caches and pipelines: the second row is the floor beside one
that decodes, as it does for whoever streams.

napari-wsi is no dependency. To compare with it, put it in a folder of its own and name
that folder: ``pip install --no-deps --target FOLDER napari-wsi universal-pathlib
pathlib-abc``, then ``--peers FOLDER``.

Without ``--slide`` a slide of 40,960 x 40,960 px is written to ``.cache`` first (250
MB, some minutes). Needs Linux with xvfb-run, or a display.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SLIDE = HERE.parents[1] / ".cache" / "panzoom-40960.svs"
WINDOWS = {"small": (900, 650), "large": (2560, 1440)}
VARIANTS = (
    "base",
    "base, a core decoding",
    "stock sync",
    "stock async",
    "napari-wsi sync",
    "napari-wsi async",
    "zarr-tifffile sync",
    "zarr-tifffile async",
    "ours",
    "ours, 100,000 px",
    "ours, 100,000 px, 20 ms",
    "ours, 100,000 px, 200 ms",
)
COLUMNS = {
    "GUI CPU p99": "cpu_p99_ms",
    "gap p99": "gap_p99_ms",
    "gap max": "gap_max_ms",
    "pan 0.4": "pan 0.4",
    "pan 0.26": "pan 0.26",
    "pan 0.07": "pan 0.07",
    "sharp 0.26": "share 0.26",
    "sharp 0.07": "share 0.07",
    "jump": "jump_ms",
    "open": "open_ms",
    "memory MB": "rss_mb",
    "pixels": "pixel_error",
}
"""Heads of the table and the numbers below them; times are milliseconds."""

_LIMIT_S = 300


def main() -> None:
    """Run everything and print the tables."""
    options = _options()
    if not options.slide.exists():
        from _panzoom_slide import write_slide

        options.slide.parent.mkdir(exist_ok=True)
        print(f"writing {options.slide} ...", flush=True)
        write_slide(options.slide)
    results = {}
    for window in options.windows:
        runs: dict[str, list[dict]] = {}
        for turn in range(options.repeats):
            for name in options.variants:
                result = run(name, WINDOWS[window], options)
                print(f"{window} {turn + 1}/{options.repeats} {name}", flush=True)
                if result is not None:
                    runs.setdefault(name, []).append(result)
        results[window] = {name: summary(one) for name, one in runs.items()}
        print_table(window, results[window], options.repeats)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--windows", type=_names, default=list(WINDOWS))
    parser.add_argument("--variants", type=_names_by_semicolon, default=list(VARIANTS))
    parser.add_argument("--slide", type=Path, default=SLIDE)
    parser.add_argument("--peers", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.peers is None:
        options.variants = [
            name for name in options.variants if not name.startswith("napari-wsi")
        ]
    return options


def _names(text: str) -> list[str]:
    return text.split(",")


def _names_by_semicolon(text: str) -> list[str]:
    return text.split(";")


def run(name: str, size: tuple[int, int], options: argparse.Namespace) -> dict | None:
    """Run one variant in a process and a screen of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "result.json"
        command = [sys.executable, HERE / "_panzoom_run.py", name, options.slide]
        command += [*map(str, size), out]
        environment = {**os.environ, "NAPARI_CONFIG": f"{folder}/napari.yaml"}
        environment.setdefault("QT_API", "pyside6")
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(options.peers or ""), os.environ.get("PYTHONPATH")])
        )
        screen = []
        if shutil.which("xvfb-run"):
            environment["QT_QPA_PLATFORM"] = "xcb"
            screen = ["xvfb-run", "-a", "-s", "-screen 0 2720x1600x24"]
        try:
            done = subprocess.run(
                [*screen, *map(str, command)],
                env=environment,
                capture_output=True,
                text=True,
                timeout=_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            print(f"{name}: not finished after {_LIMIT_S} s", file=sys.stderr)
            return None
        if not out.exists():
            print(f"{name}: {done.stderr[-2000:]}", file=sys.stderr)
            return None
        return json.loads(out.read_text())


def summary(runs: list[dict]) -> dict[str, float]:
    """Return the median of every number over the runs of a variant."""
    flat = []
    for one in runs:
        numbers = {key: value for key, value in one.items() if key != "moves"}
        for move, values in one["moves"].items():
            numbers[move] = values["sharp_ms"]
            numbers[move.replace("pan", "share")] = values["share_sharp"]
        flat.append(numbers)
    return {
        key: statistics.median(one[key] for one in flat)
        for key in flat[0]
        if isinstance(flat[0][key], int | float)
    } | {"canvas_px": runs[0]["canvas_px"]}


def print_table(window: str, rows: dict[str, dict], repeats: int) -> None:
    """Print a table in Markdown; times in ms, shares of steps in percent."""
    width, height = WINDOWS[window]
    print(f"\n### {window} window, {width} x {height}, median of {repeats}\n")
    print(f"{_machine()}\n")
    print("| variant |", " | ".join(COLUMNS), "|")
    print("|---|" + "---|" * len(COLUMNS))
    for name, numbers in rows.items():
        cells = [_cell(key, numbers.get(key)) for key in COLUMNS.values()]
        print(f"| {name} |", " | ".join(cells), "|")
    floor = rows.get("base")
    for name, numbers in rows.items():
        if floor and name.startswith("ours"):
            print(
                f"\n{name}, against the floor: GUI CPU p99 "
                f"{numbers['cpu_p99_ms'] / floor['cpu_p99_ms']:.2f} x, gap p99 "
                f"{numbers['gap_p99_ms'] / floor['gap_p99_ms']:.2f} x, open "
                f"{numbers['open_ms'] - floor['open_ms']:+.0f} ms",
                end="",
            )
    print("\n", flush=True)


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return "–"
    if key.startswith("share"):
        return f"{value:.0%}"
    return f"{value:.2f}" if key == "pixel_error" else f"{value:.0f}"


def _machine() -> str:
    from importlib.metadata import version

    names = ("napari", "vispy", "PySide6-Essentials", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{os.cpu_count()} cores, {platform.platform()}, {versions}"


if __name__ == "__main__":
    main()
