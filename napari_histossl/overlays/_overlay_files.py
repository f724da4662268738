"""What lies beside the pixels of an overlay: what is done, what could not be read."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from napari_histossl.errors import StoreError
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.store import Pyramid

_MARK = re.compile(r"(\d+),(\d+)")
"""How a finished tile is remembered: row, column."""

_DONE = "0/done.txt"
_UNREADABLE = "unreadable.json"


def mark_of(tile: Tile) -> str:
    """Return the mark of a finished tile."""
    return f"{tile[0]},{tile[1]}"


def done_tiles(path: Path) -> set[Tile]:
    """Return the finished tiles of an overlay; reads one file, opens no pyramid."""
    try:
        lines = (path / _DONE).read_text().split("\n")[:-1]
    except FileNotFoundError:
        return set()
    found = (_MARK.fullmatch(line) for line in lines)
    return {(int(mark[1]), int(mark[2])) for mark in found if mark}


def unreadable_tiles(path: str | Path, array: str = "0") -> dict[Tile, str]:
    """Return the tiles that the last run of an overlay could not read.

    Parameters
    ----------
    path : str or Path
        Folder of the overlay.
    array : str, optional
        The array in whose folder it is remembered, where zarr looks for nothing.

    Returns
    -------
    dict of (row, column) to str
        Why; empty where all could be read. The next run tries them again.
    """
    try:
        stored = json.loads(Path(path, array, _UNREADABLE).read_text())
    except FileNotFoundError:
        return {}
    return {(int(row), int(column)): str(why) for row, column, why in stored}


def write_unreadable(path: Path, tiles: Mapping[Tile, str], array: str = "0") -> None:
    """Replace what `unreadable_tiles` returns.

    Raises
    ------
    StoreError
        If the disk is full.
    """
    target = path / array / _UNREADABLE
    partial = target.with_name(f"{target.name}.partial")
    try:
        if not tiles:
            target.unlink(missing_ok=True)
            return
        text = json.dumps([[*tile, why] for tile, why in sorted(tiles.items())])
        partial.write_text(text)
        os.replace(partial, target)
    except OSError as error:
        raise StoreError(
            f"{target} cannot be written ({error.strerror or error}); make room, and "
            f"start the run again"
        ) from error


def is_of_run(path: Path, run_id: str) -> bool:
    """Return True if an overlay was begun by the plan of this name."""
    if not run_id:
        return False
    with Pyramid.open(path) as pyramid:
        stored = pyramid.provenance.get("parameters") or {}
    return bool(stored.get("run") == run_id)


class _Stored(Protocol):
    @property
    def path(self) -> Path: ...

    @property
    def provenance(self) -> Mapping[str, Any]: ...


def refuse_another(
    pyramid: _Stored, plan: RunPlan, parameters: Mapping[str, Any]
) -> None:
    """Raise unless an overlay was made from the same slide, weights and options.

    Raises
    ------
    StoreError
        If it was not.
    """
    stored = pyramid.provenance
    slide = stored.get("slide") or {}
    compared = {
        "slide": (slide.get("fingerprint"), plan.slide_fingerprint),
        "model": (stored.get("model"), plan.spec.name),
        "weights": (stored.get("weights_sha256"), plan.weights_sha256),
    }
    options = stored.get("parameters") or {}
    for key, wanted in parameters.items():
        compared[key] = (options.get(key), wanted)
    differing = [key for key, (had, wanted) in compared.items() if had != wanted]
    if differing:
        had, wanted = compared[differing[0]]
        raise StoreError(
            f"{pyramid.path} was made with another {', '.join(differing)} "
            f"({_short(had)}, this run has {_short(wanted)}); choose another name for "
            f"the overlay, or overwrite it"
        )


def reopen(path: str | Path, plan: RunPlan, parameters: Mapping[str, Any]) -> Pyramid:
    """Open an overlay to go on with it.

    Raises
    ------
    StoreError
        If it cannot be written, or was made from something else.
    """
    pyramid = Pyramid.open(path, "r+")
    try:
        refuse_another(pyramid, plan, parameters)
    except BaseException:
        pyramid.close()
        raise
    return pyramid


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
