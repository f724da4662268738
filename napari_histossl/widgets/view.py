"""Open a napari window with slides and the dock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import napari
import numpy as np

from napari_histossl.napari_io.panda import panda_layer, slide_of
from napari_histossl.slide import Slide, open_slide
from napari_histossl.slide.panda import is_mask
from napari_histossl.widgets.dock import Dock

TITLE = "HistoSSL"
"""Name of the dock."""


def make_window(
    slides: Sequence[Slide], workspace: Path | None = None, *, show: bool = True
) -> tuple[napari.Viewer, Dock]:
    """Return a viewer with a layer per slide and the dock beside it.

    Parameters
    ----------
    slides : sequence of Slide
        Opened slides; the first is in view.
    workspace : Path, optional
        Folder for results; beside each slide where None.
    show : bool
        False builds the window without showing it.

    Returns
    -------
    viewer : napari.Viewer
        With a scale bar where the scale is known.
    dock : Dock
        All pages.
    """
    viewer = napari.Viewer(title="napari-histossl", show=show)
    dock = Dock(viewer, workspace=workspace)
    viewer.window.add_dock_widget(dock, name=TITLE, area="right")
    layers = [dock.bench.add_slide(slide) for slide in slides]
    for layer in layers[1:]:
        layer.visible = False
    if layers:
        viewer.layers.selection.active = layers[0]
        viewer.reset_view()
    viewer.canvas.overlays.scale_bar.visible = True
    return viewer, dock


def view(paths: Sequence[Path], mpp: float | None, workspace: Path | None) -> None:
    """Open slides, or masks of PANDA on theirs, and stay until the window is closed.

    Raises
    ------
    SlideOpenError
        If a path is not a slide.
    """
    masks = [path for path in paths if is_mask(path)]
    own = [path for path in paths if path not in masks]
    brought = [slide for mask in masks if (slide := slide_of(mask)) is not None]
    wanted = {path.resolve(): path for path in (*own, *brought)}
    slides = [open_slide(path, mpp=mpp) for path in wanted.values()]
    _, dock = make_window(slides, workspace)
    for mask in masks:
        dock.bench.add_layer(panda_layer(mask))
    napari.run()


def save_picture(viewer: Any, path: Path) -> None:
    """Write a PNG of the whole window as it is on the screen.

    Parameters
    ----------
    viewer : napari.Viewer
        A shown viewer.
    path : Path
        File to write; its folder exists.
    """
    from PIL import Image

    picture = viewer.window.screenshot(canvas_only=False, flash=False)
    Image.fromarray(np.ascontiguousarray(picture[..., :3])).save(path)
