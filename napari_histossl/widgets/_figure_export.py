"""From the window to a figure: what is read for it, in a thread."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_histossl.errors import HistoSSLError, PlanError
from napari_histossl.geometry import Box, to_level
from napari_histossl.panels.figure import ColourBar, Figure
from napari_histossl.panels.figure_file import save_figure
from napari_histossl.panels.head_view import HeadView
from napari_histossl.panels.overlay_colours import paint
from napari_histossl.slide import Slide, virtual_levels
from napari_histossl.slide.levels import read_virtual
from napari_histossl.widgets._head_controls import HeadControls
from napari_histossl.widgets._overlay_layer import OverlayLayer
from napari_histossl.widgets._overlays_heads import pixel_px0
from napari_histossl.widgets._overlays_texts import made_by
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench
from napari_histossl.widgets._worker import BackgroundReads

_LONGEST_PX = 2400
"""Longer side of the picture in a figure: two columns of a journal at 300 dpi."""

_UM_AT_ONE_POWER = 10.0
"""Micrometres a pixel at 1 x."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything that a figure shows, as it was when it was asked for.

    Attributes
    ----------
    slide : Slide
        The slide, in the colours of the screen.
    box_px0 : Box
        The part of it, in level-0 pixels.
    turns : int
        Quarter turns to the right.
    name : str
        What people may call the slide.
    view : HeadView or None
        The overlay that is shown.
    table : ndarray of shape (N, 4)
        Its colours.
    limits : tuple of float
        Values of the first and the last colour.
    opacity : float
        From 0 to 1.
    threshold : str
        What is left out, or empty.
    """

    slide: Slide
    box_px0: Box
    turns: int
    name: str
    view: HeadView | None
    table: NDArray[np.float32]
    limits: tuple[float, float]
    opacity: float
    threshold: str


class FigureExport(QObject):
    """Writes figures of what is on the screen.

    Parameters
    ----------
    overlay : OverlayLayer
        Which overlay.
    controls : HeadControls
        How it looks.

    Attributes
    ----------
    written : Signal of (Path, HistoSSLError or None)
        A figure is written, or why it is not.
    """

    written = Signal(object, object)

    def __init__(self, overlay: OverlayLayer, controls: HeadControls) -> None:
        super().__init__()
        self._overlay, self._controls = overlay, controls
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_written)

    def save(self, box_px0: Box, path: Path) -> None:
        """Write a part of the slide, as it is shown now; see `written`."""
        scene = self._scene(self._overlay.bench, box_px0)
        self._reads.ask(path, lambda: _write(scene, path))

    def _scene(self, bench: Workbench, box_px0: Box) -> Scene:
        shown, layer, tiles = bench.shown, self._overlay.layer, self._overlay.tiles
        if shown is None:
            raise PlanError("no slide is open; open one to make a figure of it")
        seen = shown.layer.metadata[METADATA_KEY].get("tiles")
        is_seen = layer is not None and layer.visible and tiles is not None
        return Scene(
            slide=seen if isinstance(seen, Slide) else shown.slide,
            box_px0=box_px0,
            turns=bench.rotation.quarter_turns,
            name=shown.name,
            view=tiles.view if is_seen and tiles is not None else None,
            table=self._controls.table(),
            limits=self._overlay.limits,
            opacity=1.0 if layer is None else float(layer.opacity),
            threshold=self._controls.said_threshold(),
        )

    def _on_written(self, path: Any, answer: Any) -> None:
        error = answer if isinstance(answer, HistoSSLError) else None
        self.written.emit(path, error)


def _write(scene: Scene, path: Path) -> None:
    save_figure(compose(scene, datetime.date.today()), path)


def compose(scene: Scene, date: datetime.date) -> Figure:
    """Read slide and overlay, and put the figure together.

    Parameters
    ----------
    scene : Scene
        What is shown.
    date : date
        For the legend.

    Raises
    ------
    SlideReadError, StoreError
        If slide or overlay cannot be read.
    """
    level = _level(scene)
    levels = virtual_levels(scene.slide)
    downsample = levels[level].downsample
    box_px = to_level(scene.box_px0, (downsample,) * 2)
    picture = read_virtual(scene.slide, box_px, level)
    mpp_yx = scene.slide.mpp_yx
    um = None if mpp_yx is None else math.sqrt(mpp_yx[0] * mpp_yx[1]) * downsample
    overlay, bar = None, None
    if scene.view is not None:
        values = _values(scene, scene.view, box_px, downsample)
        overlay = paint(values, scene.table, scene.limits)
        overlay[..., 3] *= scene.opacity
        overlay = np.ascontiguousarray(np.rot90(overlay, -scene.turns))
        unit = scene.view.facts.unit_of(scene.view.choice)
        bar = ColourBar(scene.table, scene.limits, unit)
    turned = np.ascontiguousarray(np.rot90(picture, -scene.turns))
    return Figure(turned, overlay, um, bar, _legend(scene, um, date))


def _level(scene: Scene) -> int:
    """Return the finest level at which the part is not too large a picture."""
    longest = max(scene.box_px0.shape)
    levels = virtual_levels(scene.slide)
    for index, level in enumerate(levels):
        if longest / level.downsample <= _LONGEST_PX:
            return index
    return len(levels) - 1


def _values(
    scene: Scene, view: HeadView, box_px: Box, downsample: float
) -> NDArray[np.float32]:
    """Return the value at each pixel of the picture: footprints, nothing smoothed."""
    pixel = pixel_px0(view.pyramid, scene.slide.mpp_yx)
    per_pixel = max(downsample / max(pixel), 1e-9)
    level = min(max(int(math.log2(max(per_pixel, 1))), 0), len(view.levels) - 1)
    scale = 2.0**level
    rows = _places(box_px.y, box_px.y1, downsample, pixel[0] * scale)
    columns = _places(box_px.x, box_px.x1, downsample, pixel[1] * scale)
    y, x = int(rows[0]), int(columns[0])
    box = Box(y, x, int(rows[-1]) - y + 1, int(columns[-1]) - x + 1)
    return view.read(box, level)[np.ix_(rows - y, columns - x)]


def _places(low: int, high: int, downsample: float, pixel_px0: float) -> Any:
    centres_px0 = (np.arange(low, high) + 0.5) * downsample
    return np.floor(centres_px0 / pixel_px0).astype(np.intp)


def _legend(
    scene: Scene, um: float | None, date: datetime.date
) -> tuple[tuple[str, str], ...]:
    entries = [("Slide", scene.name)]
    if um is not None:
        power = f"about {_UM_AT_ONE_POWER / um:.3g}×, {um:.3g} µm per pixel"
        entries.append(("Magnification", power))
    if scene.view is not None:
        facts, choice = scene.view.facts, scene.view.choice
        entries.append(("Overlay", f"{facts.name_of(choice.head)} of {made_by(facts)}"))
        entries.append(("Values", facts.meaning(choice)))
        entries.append(("Shown", f"{scene.threshold} Opacity {scene.opacity:.0%}."))
    entries.append(("Date", date.isoformat()))
    return tuple((name, value.strip()) for name, value in entries)
