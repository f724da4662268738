"""A window on a mask store as an ordinary napari Labels layer.

What the person paints with napari's own tools goes, stroke by stroke, through the
store's journal. The store is the truth: after a stroke the layer shows what the store
holds, and napari's undo and redo become the store's, without limit and across restarts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from napari.layers import Labels
from napari.layers.labels._labels_constants import Mode
from napari.utils.colormaps import DirectLabelColormap

from napari_histossl.annotate import MaskStore, Receipt, Stroke
from napari_histossl.classes import UNLABELLED
from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import colours

WINDOW_PX = 4096
"""Edge of the window that is edited at a time; 16 MB, 1 ms a brush stamp."""

_WHOLE_PX = 3 * WINDOW_PX * WINDOW_PX
"""A mask of up to this many pixels (50 MB) is edited as a whole."""


class MaskLayer(Labels):
    """Labels of a window of a mask; edits are journalled by its store.

    Parameters
    ----------
    store : MaskStore
        Opened for writing; it outlives the layer.
    window_px0 : Box
        Part of the mask to edit, in mask level-0 pixels, inside the mask.
    slide_um_yx : tuple of float
        World units per level-0 pixel of the slide (micrometres, or 1 in pixels).
    author : str or None
        Who paints, for the journal.
    on_saved : callable
        Called with the `Receipt` of everything that became durable.
    on_error : callable
        Called with the error of an edit that could not be saved; the layer then shows
        the store's pixels again.
    **options
        Of napari's `Labels`, such as name and opacity.
    """

    def __init__(
        self,
        store: MaskStore,
        window_px0: Box,
        slide_um_yx: tuple[float, float],
        author: str | None,
        on_saved: Callable[[Receipt], object],
        on_error: Callable[[Exception], object],
        **options: Any,
    ) -> None:
        pixel_um_yx = store.mpp_yx or (1.0, 1.0)
        super().__init__(
            store.read(window_px0, 0),
            scale=pixel_um_yx,
            translate=_translate(window_px0, pixel_um_yx, slide_um_yx),
            units=("um", "um") if store.mpp_yx else ("pixel", "pixel"),
            colormap=DirectLabelColormap(color_dict=colours(store.classes)),
            **options,
        )
        self.window_px0 = window_px0
        self._mask_store = store
        self._author = author
        self._on_saved = on_saved
        self._on_error = on_error
        self._points: list[tuple[float, float]] = []
        self.mouse_drag_callbacks.append(_collect_points)
        self.events.paint.connect(self._on_paint)

    @property
    def _type_string(self) -> str:
        return "labels"

    def undo(self) -> None:
        """Take back the newest edit of the mask, wherever in the mask it was."""
        if self._mask_store.can_undo:
            self.apply(self._mask_store.undo)

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._mask_store.can_redo:
            self.apply(self._mask_store.redo)

    def show_store(self, box_px0: Box) -> None:
        """Show the store's pixels of a box, where it touches the window."""
        common = box_px0.intersection(self.window_px0)
        if common is None:
            return
        local = common.shifted(-self.window_px0.y, -self.window_px0.x)
        self.data[local.slices] = self._mask_store.read(common, 0)
        self.refresh()

    def _on_paint(self, event: Any) -> None:
        box = _changed_box(event.value).shifted(self.window_px0.y, self.window_px0.x)
        self._undo_history.clear()  # the journal is the history
        points, self._points = self._points, []
        is_brush = self._mode in (Mode.PAINT, Mode.ERASE)
        if is_brush and points and not self.preserve_labels:
            self.apply(lambda: self._mask_store.paint(self._stroke(points)), box)
            return
        local = box.shifted(-self.window_px0.y, -self.window_px0.x)
        values = self.data[local.slices].copy()
        tool = str(self._mode)
        self.apply(
            lambda: self._mask_store.paint_region(
                box, values, tool=tool, author=self._author
            ),
            box,
        )

    def _stroke(self, points: list[tuple[float, float]]) -> Stroke:
        erasing = self._mode == Mode.ERASE or self.selected_label == UNLABELLED
        offset = (self.window_px0.y, self.window_px0.x)
        return Stroke(
            np.asarray(points, np.float32) + np.asarray(offset, np.float32),
            self.brush_size / 2,
            UNLABELLED if erasing else int(self.selected_label),
            tool="eraser" if erasing else "brush",
            author=self._author,
        )

    def apply(
        self, edit: Callable[[], Receipt | None], box_px0: Box | None = None
    ) -> None:
        """Make an edit durable, then show what the store holds."""
        receipt = None
        try:
            receipt = edit()
        except HistoSSLError as error:
            self._on_error(error)
        if receipt is not None and receipt.box is not None:
            box_px0 = receipt.box if box_px0 is None else box_px0.union(receipt.box)
        if box_px0 is not None:
            self.show_store(box_px0)
        if receipt is not None:
            self._on_saved(receipt)


def window_around(
    shape: tuple[int, int], centre_px0: tuple[float, float], edge_px: int = WINDOW_PX
) -> Box:
    """Return the window of a mask that is edited around a point.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the mask's level 0.
    centre_px0 : tuple of float
        Where the person looks, in mask level-0 pixels.
    edge_px : int
        Largest edge of the window.

    Returns
    -------
    Box
        Inside the mask; the whole mask where it is not much larger than the window.
    """
    if shape[0] * shape[1] <= _WHOLE_PX:
        return Box(0, 0, *shape)
    starts, sizes = [], []
    for length, centre in zip(shape, centre_px0, strict=True):
        size = min(edge_px, length)
        sizes.append(size)
        starts.append(int(np.clip(centre - size / 2, 0, length - size)))
    return Box(starts[0], starts[1], sizes[0], sizes[1])


def _collect_points(layer: MaskLayer, event: Any) -> Iterator[None]:
    """Note where the mouse goes while its button is down, in data coordinates."""
    if event.button != 1 or layer._mode not in (Mode.PAINT, Mode.ERASE):
        layer._points = []
        return
    layer._points = [_data_yx(layer, event)]
    yield
    while event.type == "mouse_move":
        layer._points.append(_data_yx(layer, event))
        yield


def _data_yx(layer: Labels, event: Any) -> tuple[float, float]:
    y, x = layer.world_to_data(event.position)[-2:]
    return float(y), float(x)


def _changed_box(atoms: list[Any]) -> Box:
    """Return the box around all atoms of a committed edit, in data pixels."""
    box: Box | None = None
    for atom in atoms:
        rows, columns = atom.slice_key[-2:]
        part = Box(
            rows.start,
            columns.start,
            rows.stop - rows.start,
            columns.stop - columns.start,
        )
        box = part if box is None else box.union(part)
    assert box is not None
    return box


def _translate(
    window_px0: Box, pixel_um_yx: tuple[float, float], slide_um_yx: tuple[float, float]
) -> tuple[float, float]:
    """Return the world position of the window's first pixel centre.

    napari puts the centre of the slide's first pixel at 0, so that the edge of the
    glass lies half a slide pixel before it; mask and slide share that edge.
    """
    y, x = (
        start * pixel + (pixel - slide) / 2
        for start, pixel, slide in zip(
            (window_px0.y, window_px0.x), pixel_um_yx, slide_um_yx, strict=True
        )
    )
    return y, x
