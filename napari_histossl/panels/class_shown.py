"""What can be shown of classes on a slide, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box, Level
from napari_histossl.overlays.class_labels import ClassLabels
from napari_histossl.overlays.class_parameters import (
    LAST,
    LEARNED,
    PROBABILITY,
    SEGMENTATION,
)
from napari_histossl.overlays.class_proposal import LabelChoice
from napari_histossl.panels.class_compare import Differences
from napari_histossl.slide.tiles import PlaneTileSource
from napari_histossl.store import Pyramid
from napari_histossl.store.paths import list_overlays


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that can be shown.

    Attributes
    ----------
    title : str
        What it is called.
    path : Path
        Folder of the maps.
    as_labels : bool
        Whether the strongest class of each pixel is shown, or the map of one class.
    is_final : bool
        Whether what classes are there was decided by the run: another epsilon needs
        another run.
    """

    title: str
    path: Path
    as_labels: bool
    is_final: bool


def list_shown(folder: Path) -> list[Shown]:
    """Return what can be shown of a slide, from the results in its folder.

    Parameters
    ----------
    folder : Path
        Results folder of the slide.

    Returns
    -------
    list of Shown
        Segmentations first, then what classifiers see; damaged overlays are left out.
    """
    found: list[tuple[tuple[int, str], Shown]] = []
    for path in list_overlays(folder):
        try:
            with Pyramid.open(path) as overlay:
                told: dict[str, Any] = overlay.provenance.get("parameters") or {}
                is_label = overlay.is_label
        except HistoSSLError:
            continue  # the list of overlays says what is wrong with it
        if "classes" in told and not is_label:
            found += _titles(path, told)
    return [shown for _, shown in sorted(found, key=lambda pair: pair[0])]


def _titles(path: Path, told: dict[str, Any]) -> list[tuple[tuple[int, str], Shown]]:
    """Return what one overlay offers, each with its place in the list."""
    name = path.name.removesuffix(".ome.zarr")
    if told.get("kind") in (SEGMENTATION, LEARNED):
        return [
            ((0, name), Shown(name, path, True, True)),
            ((1, name), Shown(f"{name}, probability", path, False, True)),
        ]
    if told.get("shows") == PROBABILITY:
        return [((2, name), Shown(f"{name} of classes", path, False, False))]
    stem, layer = name.rsplit(" ", 1)
    title = "CAM" if layer == LAST else f"Grad-CAM {layer}"
    maps = ((3, name), Shown(f"{stem}: {title}", path, False, False))
    if layer == LAST:
        return [maps]
    mask = Shown(f"{stem}: pseudo-mask {layer}", path, True, False)
    return [maps, ((4, name), mask)]


class MapView:
    """The map of one class, as values.

    Parameters
    ----------
    choice : LabelChoice
        Which maps; below the threshold nothing is shown.
    channel : int
        Which class, by its place in the table.

    Raises
    ------
    PlanError, StoreError
        If there are no maps of classes.
    """

    def __init__(self, choice: LabelChoice, channel: int) -> None:
        self.choice, self.channel = choice, channel
        self._labels = _open(choice)

    @property
    def classes(self) -> ClassTable:
        """Classes of the maps."""
        return self._labels.classes

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels of the maps."""
        return self._labels.levels

    @property
    def pyramid(self) -> Pyramid:
        """Where the values come from."""
        return self._labels.maps

    def read(self, box: Box, level: int = 0) -> NDArray[np.float32]:
        """Return the values of a box; NaN where nothing is to be shown."""
        values: NDArray[np.float32] = self._labels.strengths(box, level)[self.channel]
        values[~(values >= self.choice.threshold) | (values == 0)] = np.nan
        return values

    def tiles(self, name: str) -> PlaneTileSource:
        """Return it as tiles; levels that are not stored are means."""
        return _tiles(self, name, np.float32)


class LabelView:
    """The strongest class of each pixel.

    Parameters
    ----------
    choice : LabelChoice
        Which maps, and what counts.

    Raises
    ------
    PlanError, StoreError
        If there are no maps of classes.
    """

    def __init__(self, choice: LabelChoice) -> None:
        self.choice = choice
        self._labels = _open(choice)
        self.classes, self.levels = self._labels.classes, self._labels.levels
        self.pyramid = self._labels.maps

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Return the labels of a box."""
        return self._labels.read(box, level)

    def tiles(self, name: str) -> PlaneTileSource:
        """Return it as tiles of labels."""
        return _tiles(self, name, np.uint8)


class DifferenceView(Differences):
    """What a reference says wherever labels say something else, as tiles."""

    def tiles(self, name: str) -> PlaneTileSource:
        """Return it as tiles of labels."""
        return _tiles(self, name, np.uint8)


ClassView = MapView | LabelView | DifferenceView


def _open(choice: LabelChoice) -> ClassLabels:
    return ClassLabels.open(
        choice.path, epsilon=choice.epsilon, threshold=choice.threshold
    )


def _tiles(view: Any, name: str, dtype: type[np.generic]) -> PlaneTileSource:
    levels: Sequence[Level] = view.levels
    return PlaneTileSource(
        levels,
        labels=dtype is np.uint8,
        name=name,
        dtype=dtype,
        read_box=lambda level, box: view.read(box, level),
    )
