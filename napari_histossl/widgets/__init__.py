"""The window: the only folder with Qt, magicgui and napari.

The functions here are what the manifest names; each imports its page when called.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari
    import npe2
    from qtpy.QtWidgets import QWidget

    from napari_histossl.napari_io.reader import Reader


def activate(_context: npe2.PluginContext) -> None:
    """Draw slides from tiles before the first layer of this plugin is made.

    Called by the plugin manager before any command of this plugin is run: a slide that
    is dragged on a window without a dock is drawn from tiles too. Without a window,
    as in a script that only reads, nothing happens and Qt is not imported.
    """
    if _has_window():
        from napari_histossl.widgets.canvas import install_canvas

        install_canvas()


def get_reader(path: str | list[str]) -> Reader | None:
    """Return what reads a path, or None if it is not for us.

    Parameters
    ----------
    path : str or list of str
        What `napari_io.reader.get_reader` takes. In a window, a slide without coarse
        levels is read with a progress bar first.
    """
    from napari_histossl.napari_io import reader

    read = reader.get_reader(path)
    if read is None or not _has_window():
        return read
    from napari_histossl.widgets._opening import with_overviews

    return with_overviews(read)


def _has_window() -> bool:
    if "napari._qt" not in sys.modules:
        return False
    from qtpy.QtWidgets import QApplication

    return QApplication.instance() is not None


def make_dock(viewer: napari.Viewer) -> QWidget:
    """Return the dock with all pages."""
    from napari_histossl.widgets.dock import Dock

    return Dock(viewer)


def make_slide_page(viewer: napari.Viewer) -> QWidget:
    """Return the Slide page alone."""
    from napari_histossl.widgets.dock import Dock

    return Dock(viewer, pages=("Slide",))


def make_overlays_page(viewer: napari.Viewer) -> QWidget:
    """Return the Overlays page alone."""
    from napari_histossl.widgets.dock import Dock

    return Dock(viewer, pages=("Overlays",))


def make_correct_page(viewer: napari.Viewer) -> QWidget:
    """Return the Correct page alone."""
    from napari_histossl.widgets.dock import Dock

    return Dock(viewer, pages=("Correct",))


def make_learn_page(viewer: napari.Viewer) -> QWidget:
    """Return the Learn page alone."""
    from napari_histossl.widgets.dock import Dock

    return Dock(viewer, pages=("Learn",))


def make_study_page(viewer: napari.Viewer) -> QWidget:
    """Return the Study page alone."""
    from napari_histossl.widgets.dock import Dock

    return Dock(viewer, pages=("Study",))
