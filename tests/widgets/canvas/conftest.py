"""Windows on drawn slides, and what is on their canvas."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from canvas_for_tests import Window

from napari_histossl.slide import ArraySlide


@pytest.fixture
def noise(rng):
    """A picture in which every pixel differs from its neighbours."""
    return rng.integers(0, 256, (1500, 2100, 3), np.uint8)


@pytest.fixture
def noise_slide(noise):
    return ArraySlide(noise, name="noise")


@pytest.fixture
def tile_canvas(qapp):
    """A canvas of this test's own, installed in napari and taken out afterwards."""
    from napari_histossl.widgets.canvas import install_canvas

    install_canvas().uninstall()
    canvas = install_canvas()
    yield canvas
    canvas.uninstall()


@pytest.fixture
def show(tile_canvas, make_napari_viewer, qtbot):
    """Open a window on a slide: ``show(slide) -> Window``; it waits until sharp."""

    def show_slide(slide, *, viewer=None, wait=True, **options):
        viewer = viewer or make_napari_viewer(show=True)
        viewer.window._qt_window.resize(900, 650)
        window = Window(viewer, tile_canvas, qtbot)
        window.add(slide, **options)
        if wait:
            window.wait_sharp()
        return window

    return show_slide
