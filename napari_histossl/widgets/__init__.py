"""The window: the only folder with Qt, magicgui and napari.

The functions here are what the manifest names; each imports its page when called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari
    from qtpy.QtWidgets import QWidget


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


def make_study_page(viewer: napari.Viewer) -> QWidget:
    """Return the Study page alone."""
    from napari_histossl.widgets.dock import Dock

    return Dock(viewer, pages=("Study",))
