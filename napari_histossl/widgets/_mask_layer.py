"""The whole mask as an ordinary napari Labels layer that can be painted on.

Its data are the levels of the mask, read when somebody asks; its picture is drawn from
tiles. napari's own tools keep their meaning, but what they do goes through the store's
journal: undo and redo are the store's, without limit and across restarts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.layers import Labels
from napari.layers.labels._labels_constants import Mode
from napari.utils.colormaps import DirectLabelColormap

from napari_histossl.annotate import FloodFill, Polygon
from napari_histossl.classes import UNLABELLED
from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import colours
from napari_histossl.slide.tiles import tile_arrays
from napari_histossl.widgets._mask_brush import Brush
from napari_histossl.widgets._mask_editor import MaskEditor
from napari_histossl.widgets._workbench import METADATA_KEY


class MaskLayer(Labels):
    """Labels of a whole mask; edits are journalled by its store.

    Parameters
    ----------
    editor : MaskEditor
        Shows and saves what is painted; it outlives the layer.
    slide_um_yx : tuple of float
        World units per level-0 pixel of the slide (micrometres, or 1 in pixels).
    **options
        Of napari's `Labels`, such as name and opacity.

    Attributes
    ----------
    fill_within : callable
        Returns the box in which fills stay, in pixels of the mask: the view.
    """

    def __init__(
        self, editor: MaskEditor, slide_um_yx: tuple[float, float], **options: Any
    ) -> None:
        store, tiles = editor.store, editor.tiles
        self._editor = editor
        self._brush: Brush | None = None
        self.fill_within: Callable[[], Box | None] = editor.view_box_px0
        pixel_um_yx = store.mpp_yx or (1.0, 1.0)
        facts: dict[str, Any] = {"kind": "mask", "path": str(store.path)}
        if tiles.can_show(store):
            facts["tiles"] = tiles
        super().__init__(
            tiles.arrays(),
            multiscale=True,
            cache=False,  # it changes under the viewer
            scale=pixel_um_yx,
            translate=_translate(pixel_um_yx, slide_um_yx),
            units=("um", "um") if store.mpp_yx else ("pixel", "pixel"),
            colormap=DirectLabelColormap(color_dict=colours(store.classes)),
            metadata={METADATA_KEY: facts},
            **options,
        )
        editor.on_refresh = self._draw_anew
        editor.on_rest = self._update_thumbnail

    @property
    def _type_string(self) -> str:
        return "labels"

    # ---- napari's tools

    def undo(self) -> None:
        """Take back the newest edit of the mask, wherever in the mask it was."""
        if self.editable:
            self._editor.undo()

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self.editable:
            self._editor.redo()

    def paint(
        self, coord: Sequence[float], new_label: int, refresh: bool = True
    ) -> None:
        """Put the brush down once; see napari's `Labels.paint`."""
        del refresh
        self._validate_label_in_range(new_label)
        brush = self._new_brush(new_label)
        brush.to(coord)
        brush.end()

    def paint_polygon(self, points: Any, new_label: int) -> None:
        """Fill an outline; see napari's `Labels.paint_polygon`."""
        self._validate_label_in_range(new_label)
        ring = np.asarray(points, np.float32)
        author, spared = self._editor.author, self.spared(new_label)
        self._editor.draw(Polygon((ring,), new_label, author=author, spared=spared))

    def fill(
        self, coord: Sequence[float], new_label: int, refresh: bool = True
    ) -> None:
        """Fill what is connected and on the screen; see napari's `Labels.fill`."""
        del refresh
        self._validate_label_in_range(new_label)
        y, x = (round(float(value)) for value in coord)
        whole = self._editor.tiles.levels[0].box
        if whole.intersection(Box(y, x, 1, 1)) is None:
            return
        if self._editor.tiles.value_at(y, x) not in self.spared(new_label):
            fill = FloodFill(
                (y, x),
                new_label,
                self.fill_within() or whole,
                author=self._editor.author,
                connected=bool(self.contiguous),
            )
            self._editor.draw(fill)

    def data_setitem(self, indices: Any, value: Any, refresh: bool = True) -> None:
        """Set single pixels; see napari's `Labels.data_setitem`."""
        del refresh
        rows, columns = (np.asarray(one).reshape(-1) for one in indices)
        if not rows.size:
            return
        y, x = int(rows.min()), int(columns.min())
        box = Box(y, x, int(rows.max()) - y + 1, int(columns.max()) - x + 1)
        values, where = np.zeros(box.shape, self.dtype), np.zeros(box.shape, np.bool_)
        values[rows - y, columns - x] = value
        where[rows - y, columns - x] = True
        self._editor.set_region(box, values, where, "script")

    def spared(self, new_label: int) -> tuple[int, ...]:
        """Return the classes that a label may not replace: see `preserve_labels`."""
        if not self.preserve_labels:
            return ()
        replaced = self._get_preserve_labels_source_label(new_label)
        known = (UNLABELLED, *(info.index for info in self._editor.store.classes))
        return tuple(sorted({*known} - {int(replaced)}))

    # ---- The mouse, as napari's tools hand it on

    def _draw(self, new_label: int, last_cursor_coord: Any, coordinates: Any) -> None:
        if coordinates is None or not self.editable:
            return
        if self._mode == Mode.FILL:
            if last_cursor_coord is coordinates:  # pressed, not moved
                self.fill(coordinates, new_label)
            return
        if self._brush is None:
            self._brush = self._new_brush(new_label)
        self._brush.to(coordinates)

    def _new_brush(self, label: int) -> Brush:
        radius_px0 = self.brush_size / 2
        return Brush(self._editor, radius_px0, int(label), self.spared(label))

    def _commit_staged_history(self) -> None:
        """End a stroke: the mouse was released."""
        brush, self._brush = self._brush, None
        if brush is not None:
            brush.end()

    def _abort_stroke(self) -> None:
        brush, self._brush = self._brush, None
        self._block_history = False
        if brush is not None:
            brush.give_up()

    # ---- What napari does with the pixels of an ordinary layer

    def _reset_editable(self) -> None:
        self.editable = not self._editor.store.read_only

    def _get_value(self, position: Any) -> int | None:
        y, x = (round(float(value)) for value in position)
        height, width = self._editor.tiles.levels[0].shape
        if not (0 <= y < height and 0 <= x < width):
            return None
        try:
            return self._editor.tiles.value_at(y, x)
        except HistoSSLError:  # what is drawn says that it cannot be read
            return None

    def _update_thumbnail(self) -> None:
        """Draw the small picture from what is there, not from what napari once read."""
        coarsest = tile_arrays(self._editor.tiles)[-1]
        try:
            labels = coarsest[...]
        except HistoSSLError:  # what is drawn says that it cannot be read
            return
        step = -(-max(labels.shape) // max(self._thumbnail_shape[:2]))
        small = np.asarray(self.colormap.map(labels[::step, ::step]))
        small[..., 3] *= self.opacity
        self.thumbnail = small

    def _draw_anew(self) -> None:
        """Read again what napari draws by itself, where it does."""
        self._reset_thumbnail_level_data()
        self.refresh()


def _translate(
    pixel_um_yx: tuple[float, float], slide_um_yx: tuple[float, float]
) -> tuple[float, float]:
    """Return the world position of the first pixel centre.

    napari puts the centre of the slide's first pixel at 0, so that the edge of the
    glass lies half a slide pixel before it; mask and slide share that edge.
    """
    y, x = (
        (pixel - slide) / 2
        for pixel, slide in zip(pixel_um_yx, slide_um_yx, strict=True)
    )
    return y, x
