"""Drawing slides tile by tile on napari's canvas.

The only folder that touches private parts of napari: `_napari` lists them and checks
that they are there. What napari, other plugins and scripts see of a slide stays an
ordinary image layer over a dask pyramid; a picture of tiles covers napari's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_histossl.widgets.canvas._canvas import TileCanvas


def install_canvas() -> TileCanvas:
    """Draw slides from tiles in every window of this application.

    Returns
    -------
    TileCanvas
        The one of this application; it is made when first asked for, and belongs to
        the application from then on.

    Notes
    -----
    Layers that are there already are drawn as before. A layer is drawn from tiles if
    ``layer.metadata["histossl"]["tiles"]`` is a slide or a source of tiles with the
    shapes of the layer's data.
    """
    from qtpy.QtWidgets import QApplication

    from napari_histossl.widgets.canvas._canvas import TileCanvas

    application = QApplication.instance()
    canvas = application.findChild(TileCanvas)
    return TileCanvas(application) if canvas is None else canvas
