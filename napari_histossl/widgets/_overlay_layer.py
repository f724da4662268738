"""The layer of an overlay: one head at a time, also while it is being computed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.napari_io.layers import overlay_layer
from napari_histossl.panels.head_tiles import HeadTiles
from napari_histossl.panels.head_view import HeadView, limits_of
from napari_histossl.panels.overlay_facts import HeadChoice, OverlayFacts
from napari_histossl.slide.tiles import TileKey, tile_arrays
from napari_histossl.store import Pyramid
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._later import later
from napari_histossl.widgets._redraw import draw_anew
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench
from napari_histossl.widgets._worker import BackgroundReads

_LIMITS_MS = 1500
"""Least time between two looks at the range of an overlay that is being computed."""


class OverlayLayer(QObject):
    """One overlay of the slide in view, of which one head is shown.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    changed : Signal
        Another overlay is shown, or none, or another head of it.
    grown : Signal
        A run has written more of the overlay on the screen.
    path : Path or None
        Folder of the overlay on the screen.
    layer : napari.layers.Image or None
        Its layer: two-dimensional, drawn tile by tile.
    tiles : HeadTiles or None
        What the layer is drawn from.
    """

    changed = Signal()
    grown = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.path: Path | None = None
        self.layer: Image | None = None
        self.tiles: HeadTiles | None = None
        self._growing: Path | None = None
        self._limits = (0.0, 1.0)
        self._late = later(self, _LIMITS_MS, self._follow_limits)
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_limits)
        bench.progressed.connect(self._on_progress)
        bench.run_changed.connect(self._on_run_changed)
        bench.slide_changed.connect(self._on_slide_changed)
        bench.viewer.layers.events.removed.connect(self._on_removed)

    # ---- What is on the screen

    @property
    def heads(self) -> int:
        """Number of channels of the overlay on the screen; 0 where there is none."""
        return 0 if self.tiles is None else len(self.tiles.view.facts.channel_names)

    @property
    def head(self) -> int:
        """Channel on the screen, from 0, or `head_view.MEAN`."""
        return 0 if self.tiles is None else self.tiles.view.choice.head

    @property
    def choice(self) -> HeadChoice:
        """What of the overlay is on the screen."""
        return HeadChoice() if self.tiles is None else self.tiles.view.choice

    @property
    def said(self) -> OverlayFacts | None:
        """What the overlay on the screen says about itself."""
        return None if self.tiles is None else self.tiles.view.facts

    @property
    def limits(self) -> tuple[float, float]:
        """Values of the first and the last colour."""
        if self.layer is None:
            return self._limits
        low, high = self.layer.contrast_limits
        return float(low), float(high)

    def facts(self) -> dict[str, Any]:
        """Return the provenance of the overlay on the screen; empty without one."""
        return {} if self.tiles is None else self.tiles.view.pyramid.provenance

    # ---- Asked for

    def show(self, path: Path) -> None:
        """Show an overlay of the slide in view, in place of the one before."""
        try:
            pyramid = Pyramid.open(path)
            if self._is_shown(path, pyramid):
                self._renew(pyramid)
            else:
                self._add(pyramid)
        except HistoSSLError as error:
            show_error(error, self.bench.hidden_names)
            return
        self.path = path
        self.changed.emit()

    def take_off(self) -> None:
        """Take the overlay off the slide; it stays with the slide's results."""
        if self.layer is not None and self.layer in self.bench.viewer.layers:
            self.bench.viewer.layers.remove(self.layer)

    def bring_up(self) -> None:
        """Show the overlay again where similarity is shown in its place."""
        if self.layer is not None and self.bench.hide("looks like this"):
            self.layer.visible = True

    def choose_head(self, head: int) -> None:
        """Show a head, counted from 0, or their mean (`head_view.MEAN`)."""
        self.choose(replace(self.choice, head=head))

    def choose(self, choice: HeadChoice) -> None:
        """Show something else of the overlay on the screen."""
        tiles = self.tiles
        if tiles is None or choice == tiles.view.choice:
            return
        scale_changes = choice.ranked != tiles.view.choice.ranked
        try:
            tiles.show(HeadView(tiles.view.pyramid, choice))
            if scale_changes:
                self._set_limits(limits_of(tiles.view))
        except HistoSSLError as error:
            show_error(error, self.bench.hidden_names)
            return
        self._draw_anew(tiles.keys())
        self.changed.emit()

    def follow(self, path: Path) -> None:
        """Show an overlay as it grows, from its first tiles to the end of the run."""
        self._growing = path

    # ---- Details

    def _is_shown(self, path: Path, pyramid: Pyramid) -> bool:
        tiles = self.tiles
        if self.layer is None or tiles is None or self.path != path:
            return False
        known = tiles.view.pyramid
        same_shape = known.arrays[0].shape == pyramid.arrays[0].shape
        return same_shape and known.provenance == pyramid.provenance

    def _add(self, pyramid: Pyramid) -> None:
        """Add a layer; nothing but its coarsest level is read here."""
        bench, before = self.bench, self.choice
        view = HeadView(pyramid, _first_choice(pyramid, before.head))
        slide = bench.shown.slide if bench.shown else None
        _, options, kind = overlay_layer(pyramid, slide)
        tiles = HeadTiles(view, options["name"])
        self._limits = limits_of(view)
        for name in ("scale", "translate", "units", "axis_labels"):
            options[name] = options[name][-2:]
        options["contrast_limits"] = self._limits
        options["metadata"][METADATA_KEY]["tiles"] = tiles
        self.take_off()
        bench.hide("tissue")
        read = bench.canvas.service.load
        layer = bench.add_layer((tile_arrays(tiles, read), options, kind))
        layer.colorbar.visible = True
        self.layer, self.tiles = layer, tiles
        if bench.shown is not None:
            bench.viewer.layers.selection.active = bench.shown.layer

    def _renew(self, pyramid: Pyramid) -> None:
        """Show what has been computed since."""
        assert self.tiles is not None
        self.tiles.show(HeadView(pyramid, self.tiles.view.choice))
        self._draw_anew(self.tiles.keys())
        self._follow_limits()

    def _draw_anew(self, keys: list[TileKey]) -> None:
        """Bring on the screen what has changed."""
        assert self.layer is not None
        assert self.tiles is not None
        draw_anew(self.bench, self.layer, self.tiles, keys)

    def _follow_limits(self) -> None:
        """Fit the colour limits to what has been computed, in a thread."""
        tiles = self.tiles
        if tiles is not None and not self.bench.closed:
            view = tiles.view
            self._reads.ask("limits", lambda: (view, limits_of(view)))

    def _on_limits(self, _name: Any, answer: Any) -> None:
        """Take limits that were found; those that a person set stay."""
        if isinstance(answer, HistoSSLError) or self.tiles is None or self.bench.closed:
            return  # the canvas shows and says what cannot be read
        view, limits = answer
        if view is self.tiles.view and self.limits == self._limits:
            self._set_limits(limits)

    def _set_limits(self, limits: tuple[float, float]) -> None:
        assert self.layer is not None
        self._limits = limits
        self.layer.contrast_limits_range = limits
        self.layer.contrast_limits = limits
        self._limits = self.limits

    def _on_progress(self, progress: Progress, _left_s: float | None) -> None:
        if self._growing is None or progress.box is None:
            return
        if self.path != self._growing or self.tiles is None:
            if self._growing.exists():
                self.show(self._growing)
            return
        self._draw_box_anew(progress.box)

    def _draw_box_anew(self, box: Box) -> None:
        assert self.tiles is not None
        inside = box.intersection(self.tiles.levels[0].box)
        if inside is not None:
            self._draw_anew(self.tiles.keys(inside))
        if not self._late.isActive():
            self._late.start()
        self.grown.emit()

    def _on_run_changed(self, running: bool) -> None:
        if not running:
            self._late.stop()
            self._growing = None

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self._let_go()

    def _on_slide_changed(self) -> None:
        """Leave the overlay of another slide alone."""
        shown, layer = self.bench.shown, self.layer
        if layer is not None and (shown is None or not shown.owns(layer)):
            self._let_go()

    def _let_go(self) -> None:
        self.layer, self.path, self.tiles = None, None, None
        self.changed.emit()


def _first_choice(pyramid: Pyramid, head: int) -> HeadChoice:
    """Return the head that was shown before, where there is one of this number."""
    facts = OverlayFacts.of(pyramid)
    there = head in facts.heads or 0 <= head < len(facts.channel_names)
    is_mean = head < 0 and bool(facts.heads)
    return HeadChoice(head if there or is_mean else 0)
