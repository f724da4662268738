"""Two levels of attention: patch heads near by, region heads from afar."""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_histossl.errors import PlanError
from napari_histossl.overlays.hierarchy_view import HierarchyView
from napari_histossl.widgets._later import later
from napari_histossl.widgets._overlay_layer import OverlayLayer

_NEAR_PX = 24
"""From this edge of a patch on the screen on, its tokens can be told apart."""

_SETTLE_MS = 150
"""The zoom has settled when it has not changed for so long."""


class LevelSwitch(QWidget):
    """Changes between a patch head and a region head as the view is zoomed.

    Parameters
    ----------
    overlay : OverlayLayer
        Of which heads are shown; nothing is seen here where it has one level only.

    Notes
    -----
    A head that a person chooses is shown at once, whatever the zoom; it is changed
    when the zoom passes from near to far or back.
    """

    def __init__(self, overlay: OverlayLayer) -> None:
        super().__init__()
        self._overlay = overlay
        self._view: HierarchyView | None = None
        self._heads = {True: 0, False: 0}  # near, far
        self._was_near = True
        self.by_zoom = QCheckBox("Patch heads near by, region heads from afar")
        self.by_zoom.setChecked(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.by_zoom)
        self._settled = later(self, _SETTLE_MS, self._on_zoom)
        camera = overlay.bench.viewer.scene.camera
        camera.events.zoom.connect(lambda _event: self._settled.start())
        overlay.changed.connect(self._on_changed)
        self.by_zoom.toggled.connect(lambda _on: self._settled.start())
        self._on_changed()

    @property
    def is_near(self) -> bool:
        """Whether a patch is large on the screen."""
        view, bench = self._view, self._overlay.bench
        if view is None or view.pyramid.pixel_um_yx is None:
            return True
        patch_um = view.patch_tokens * view.pyramid.pixel_um_yx[0]
        return bool(patch_um * bench.viewer.scene.camera.zoom >= _NEAR_PX)

    def _on_changed(self) -> None:
        tiles = self._overlay.tiles
        if tiles is None or not tiles.view.facts.is_hierarchy:
            self._view = None
        elif self._view is None or self._view.pyramid.path != tiles.view.pyramid.path:
            self._take(tiles.view.pyramid)
        self.setVisible(self._view is not None)
        self._remember()

    def _take(self, pyramid: object) -> None:
        """Begin with another overlay: its first heads, the level by the zoom."""
        try:
            view = HierarchyView.of(pyramid)  # type: ignore[arg-type]
        except PlanError:
            self._view = None
            return
        self._view = view
        self._heads = {True: 0, False: view.patch_heads}
        self._was_near = True
        self._settled.start()

    def _remember(self) -> None:
        view, head = self._view, self._overlay.head
        if view is None or head >= view.patch_heads + view.region_heads:
            return  # the combined map is neither near nor far
        self._heads[head < view.patch_heads] = head

    def _on_zoom(self) -> None:
        view, head = self._view, self._overlay.head
        if view is None or not self.by_zoom.isChecked():
            return
        is_near, was_near = self.is_near, self._was_near
        self._was_near = is_near
        is_head = head < view.patch_heads + view.region_heads
        if is_near != was_near and is_head:
            self._overlay.choose_head(self._heads[is_near])
