"""The demo: the sample slide with its tissue, attention, mask and all pages."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import napari
from qtpy.QtWidgets import QApplication

from napari_histossl.errors import PlanError
from napari_histossl.panels.slide import magnification_zoom
from napari_histossl.resources import sample_file
from napari_histossl.slide import open_slide
from napari_histossl.study.sample_study import write_sample_study
from napari_histossl.widgets.dock import Dock
from napari_histossl.widgets.view import make_window, save_picture

_WINDOW_PX = (1500, 950)
"""Width and height of the window; fits a small screen and shows every page whole."""

_POWER = 10.0
"""Magnification at which heads are looked at: nuclei can be told apart."""

_NUCLEI_HEAD = 4
"""Head of the sample weights that looks at nuclei, chosen on validation slides."""

_LIMIT_S = 600
"""A step of the demo that takes longer than this has failed."""


def run_demo(out: Path | None, workspace: Path) -> Iterator[Path]:
    """Open the sample slide and prepare its overlay and mask.

    Parameters
    ----------
    out : Path or None
        Folder for pictures of every page; the window is closed afterwards. None leaves
        the window to the person.
    workspace : Path
        Folder for the overlay and the mask; what is there already is used again.

    Yields
    ------
    Path
        Everything that was written.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    slide = open_slide(sample_file("sample.svs"))
    viewer, dock = make_window([slide], workspace)
    viewer.window.resize(*_WINDOW_PX)
    for name, prepare in _STEPS:
        if dock.bench.closed:
            return
        dock.show_page(name)
        yield from prepare(dock)
        if out is not None:
            yield _picture(viewer, out, name)
    if out is None:
        napari.run()
    else:
        viewer.close()


def _show_tissue(dock: Dock) -> Iterator[Path]:
    page: Any = dock.pages["Slide"]
    if not page.tissue.is_shown:
        page.find_tissue()
        _wait(dock)
    yield page.tissue.path


def _show_attention(dock: Dock) -> Iterator[Path]:
    page: Any = dock.pages["Overlays"]
    if not page.open_newest():
        page.run()
        _wait(dock, lambda: page.is_busy)
        page.open_newest()
    page.overlay.choose_head(_NUCLEI_HEAD)
    dock.bench.viewer.scene.camera.zoom = magnification_zoom(_POWER)
    yield page.overlay.path


def _show_mask(dock: Dock) -> Iterator[Path]:
    page: Any = dock.pages["Correct"]
    if not page.open_newest():
        page.new.choose_head(_NUCLEI_HEAD)
        page.create_mask()
        _wait(dock)
    yield page.session.path


def _show_learn(_dock: Dock) -> Iterator[Path]:
    yield from ()


def _show_study(dock: Dock) -> Iterator[Path]:
    """Show the sample study, made where there is none or only a part of one."""
    page: Any = dock.pages["Study"]
    assert dock.bench.workspace is not None
    place = dock.bench.workspace / "sample study"
    study, finished = place / "study", place / "finished"
    if not finished.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for _progress in write_sample_study(study):
            QApplication.processEvents()
        finished.touch()
    page.owner.show_sample(study)
    yield study


_STEPS: tuple[tuple[str, Callable[[Dock], Iterator[Path]]], ...] = (
    ("Slide", _show_tissue),
    ("Overlays", _show_attention),
    ("Correct", _show_mask),
    ("Learn", _show_learn),
    ("Study", _show_study),
)


def _wait(dock: Dock, is_busy: Callable[[], bool] | None = None) -> None:
    """Let the window live until the run in the worker, or of a page, has ended."""
    deadline_s = time.monotonic() + _LIMIT_S
    while dock.bench.worker.is_running or (is_busy is not None and is_busy()):
        QApplication.processEvents()
        time.sleep(0.01)
        if time.monotonic() > deadline_s:
            dock.bench.stop()
            raise PlanError(
                f"a step of the demo took longer than {_LIMIT_S} s and was stopped; "
                f"run it again, finished tiles are kept"
            )


def _picture(viewer: Any, out: Path, name: str) -> Path:
    settle()
    path = out / f"{name.lower()}.png"
    out.mkdir(parents=True, exist_ok=True)
    save_picture(viewer, path)
    return path


def settle(seconds: float = 1.0) -> None:
    """Let the window draw what was asked for.

    Parameters
    ----------
    seconds : float
        How long events are handled; thumbnails and textures follow their layers.
    """
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        QApplication.processEvents()
        time.sleep(0.01)
