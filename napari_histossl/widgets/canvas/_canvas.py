"""All slides that are drawn from tiles in one application, and what keeps the tiles."""

from __future__ import annotations

import itertools
from collections import deque
from typing import Any

from napari.layers import Image, Labels
from qtpy.QtCore import QObject

from napari_histossl.errors import HistoSSLError
from napari_histossl.napari_io.layers import METADATA_KEY
from napari_histossl.slide.tiles import (
    BUDGET_BYTES,
    TileKey,
    TileService,
    TileSource,
    open_tiles,
)
from napari_histossl.widgets._bell import application_bell
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets.canvas._napari import (
    delete_in_own_contexts,
    layer_visuals,
    missing_part,
)


class TileCanvas(QObject):
    """Draws layers whose metadata name tiles, in every window of the application.

    Parameters
    ----------
    parent : QObject, optional
        Who owns it: the application.
    budget_bytes : int
        Memory for decoded tiles of all slides together.

    Attributes
    ----------
    unavailable : str or None
        What this napari lacks; then nothing is changed and napari draws its own way.

    Notes
    -----
    Threads run, and memory is held, only while a slide is open.
    """

    def __init__(
        self, parent: QObject | None = None, budget_bytes: int = BUDGET_BYTES
    ) -> None:
        super().__init__(parent)
        self._budget_bytes = budget_bytes
        self._service: TileService | None = None
        self._sources: dict[Any, TileSource] = {}
        self._drawings: dict[Any, Any] = {}  # drawing: what its tiles were opened from
        self._facts: dict[TileSource, dict[str, Any]] = {}  # what its layer tells
        self._wanted: dict[Any, list[TileKey]] = {}
        self._arrived: deque[TileKey] = deque()
        self._is_news_on_its_way = False
        self._stock: dict[Any, Any] = {}
        self._told: set[TileSource] = set()
        self._bell = application_bell()
        self.unavailable = missing_part()
        if self.unavailable is None:
            self._install()
        else:
            show_info(
                f"This napari has no {self.unavailable}, which drawing slides tile by "
                f"tile needs: slides are drawn by napari itself, slower. Install "
                f"napari 0.9.2 for fast drawing."
            )

    def _install(self) -> None:
        visuals = layer_visuals()
        for kind in (Image, Labels):
            self._stock[kind] = visuals[kind]
        visuals[Image] = self._image_visual
        visuals[Labels] = self._labels_visual

    def uninstall(self) -> None:
        """Let napari draw new layers its own way again, and end all threads."""
        visuals = layer_visuals() if self._stock else {}
        for kind, stock in self._stock.items():
            visuals[kind] = stock
        self._stock.clear()
        for drawing in list(self._drawings):
            drawing.close()
        self.setParent(None)

    # ---- Layers ----

    def _image_visual(self, layer: Any, *args: Any, **options: Any) -> Any:
        from napari_histossl.widgets.canvas._layers import TiledImage

        return self._visual(TiledImage, Image, layer, *args, **options)

    def _labels_visual(self, layer: Any, *args: Any, **options: Any) -> Any:
        from napari_histossl.widgets.canvas._layers import TiledLabels

        return self._visual(TiledLabels, Labels, layer, *args, **options)

    def _visual(
        self, tiled: Any, kind: Any, layer: Any, *args: Any, **options: Any
    ) -> Any:
        """Return what draws a layer: ours if its metadata name tiles, else napari's."""
        delete_in_own_contexts()
        facts = layer.metadata.get(METADATA_KEY, {})
        origin = facts.get("tiles")
        source = None if origin is None else self._open(origin, layer)
        if source is None:
            return self._stock[kind](layer, *args, **options)
        self._facts[source] = facts
        visual = tiled(layer, *args, **options)
        visual.draw_tiles(self._enter(origin, source, visual.MAX_TEXTURE_SIZE_2D))
        return visual

    def _open(self, origin: Any, layer: Any) -> TileSource | None:
        """Return the tiles of a layer, or None where they do not fit its data."""
        source = self._sources.get(origin)
        if source is None:
            try:
                source = open_tiles(origin)
            except HistoSSLError as error:
                show_error(error)
                return None
        shapes = (
            [
                tuple(level.shape[-3:-1] if layer_is_rgb(layer) else level.shape[-2:])
                for level in layer.data
            ]
            if layer.multiscale
            else []
        )
        if shapes != [level.shape for level in source.levels]:
            if origin not in self._sources and source is not origin:
                source.close()
            return None
        return source

    def _enter(self, origin: Any, source: TileSource, largest_px: int | None) -> Any:
        from napari_histossl.widgets.canvas._drawing import TileDrawing

        if origin not in self._sources:
            self._sources[origin] = source
            self.service.add(source)
        drawing = TileDrawing(source, self, largest_px)
        self._drawings[drawing] = origin
        return drawing

    def leave(self, drawing: Any) -> None:
        """Forget a drawing; the last one of a slide takes its tiles along."""
        origin = self._drawings.pop(drawing, None)
        self._wanted.pop(drawing, None)
        if origin is None or origin in self._drawings.values():
            return
        source = self._sources.pop(origin)
        self._told.discard(source)
        self._facts.pop(source, None)
        self.service.remove(source)
        if source is not origin:
            source.close()
        if not self._sources and self._service is not None:
            self._service.close(timeout_s=0)
            self._service = None

    def drawings(self, layer_or_origin: Any = None) -> list[Any]:
        """Return what is drawn from tiles, all of it or that of one slide."""
        return [
            drawing
            for drawing, origin in self._drawings.items()
            if layer_or_origin is None or origin is layer_or_origin
        ]

    # ---- Tiles ----

    @property
    def service(self) -> TileService:
        """Who reads and keeps the tiles of all open slides."""
        if self._service is None:
            self._service = TileService(self._budget_bytes)
            self._service.listen(self._on_tile)
        return self._service

    def want(self, drawing: Any, keys: list[TileKey]) -> None:
        """Ask for tiles in place of those that a drawing asked for before."""
        if keys or self._wanted.get(drawing):
            self._wanted[drawing] = keys
            self.service.want(_in_turns(self._wanted.values()))

    def prefetch(self, drawing: Any, keys: list[TileKey]) -> None:
        """Ask for tiles that a resting drawing may need next."""
        del drawing
        if not any(self._wanted.values()):
            self.service.prefetch(keys)

    def _on_tile(self, key: TileKey) -> None:
        # on a worker's thread: one message wakes the window for many tiles
        self._arrived.append(key)
        if not self._is_news_on_its_way:
            self._is_news_on_its_way = True
            self._bell.ring(self._on_news)

    def _on_news(self) -> None:
        self._is_news_on_its_way = False
        keys = set()
        while self._arrived:
            keys.add(self._arrived.popleft())
        for key in keys:
            self._tell_failure(key)
        for drawing in list(self._drawings):
            drawing.on_arrivals(keys)

    def _tell_failure(self, key: TileKey) -> None:
        """Say once a slide that parts of it cannot be read."""
        if self._service is None or key[0] in self._told:
            return
        error = self._service.failed(*key)
        if error is None:
            return
        self._told.add(key[0])
        alias = self._facts.get(key[0], {}).get("alias")
        show_error(error, {key[0].name: alias} if alias else None)


def layer_is_rgb(layer: Any) -> bool:
    """Return True for an image whose last axis is colour."""
    return bool(getattr(layer, "rgb", False))


def _in_turns(lists: Any) -> list[TileKey]:
    """Return the first of every list, then the second of every list, and so on."""
    turns = itertools.zip_longest(*lists)
    return [key for turn in turns for key in turn if key is not None]
