"""The slide in view: its layer, its scale, what lies on it, where a point is on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import napari.layers
import numpy as np
from napari.layers import Layer
from numpy.typing import ArrayLike, NDArray

from napari_histossl.geometry import Box
from napari_histossl.napari_io import layers as layer_tuples
from napari_histossl.slide import Slide, virtual_levels
from napari_histossl.slide.base import SlideSource
from napari_histossl.widgets._masking import names_of

METADATA_KEY = layer_tuples.METADATA_KEY
"""Where a layer of ours keeps what it shows, in ``layer.metadata``."""


@dataclass
class ShownSlide:
    """A slide together with the layer that shows it.

    Attributes
    ----------
    layer : napari.layers.Image
        The multiscale layer.
    slide : Slide
        Opened here for facts and small reads.
    folder : Path
        Where the results of this slide live.
    """

    layer: napari.layers.Image
    slide: Slide
    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people may call it: an alias where names are masked."""
        facts = self.layer.metadata[METADATA_KEY]
        return str(facts.get("alias") or self.source.name)

    @property
    def is_masked(self) -> bool:
        """Whether the slide's own name is hidden from people."""
        return bool(self.layer.metadata[METADATA_KEY].get("alias"))

    @property
    def hidden_names(self) -> dict[str, str]:
        """What people may not read of it, and what is said in the place of that."""
        if not self.is_masked:
            return {}
        path = getattr(self.source, "path", self.source.name)
        told = {str(self.folder): "its results folder", self.source.name: self.name}
        return {**names_of(path, self.name), **told}

    @property
    def source(self) -> SlideSource:
        """The record from which a worker opens the slide."""
        return self.slide.source

    @property
    def pixel_um_yx(self) -> tuple[float, float]:
        """World units a level-0 pixel: micrometres, or 1 where the scale is unknown."""
        return self.slide.mpp_yx or (1.0, 1.0)

    @property
    def centre_world(self) -> tuple[float, float]:
        """Middle of the slide in world units, before it is turned."""
        height, width = self.slide.levels[0].shape
        pixel_y, pixel_x = self.pixel_um_yx
        return (height - 1) / 2 * pixel_y, (width - 1) / 2 * pixel_x

    def owns(self, layer: Layer) -> bool:
        """Whether a layer of ours lies on this slide."""
        facts = layer.metadata.get(METADATA_KEY)
        if facts is None or facts.get("kind") == "slide":
            return layer is self.layer
        if facts.get("source") is not None:
            return bool(facts["source"] == self.source)
        return "path" not in facts or self.folder in Path(facts["path"]).parents

    def px0(self, world_yx: Any) -> tuple[float, float]:
        """Return where a world point is on the slide, in level-0 pixels.

        Row and column are counted from the outer edge: 0 to the height and width.
        """
        row, column = self.layer.world_to_data(world_yx)[-2:]
        return float(row) + 0.5, float(column) + 0.5

    def world(self, px0: ArrayLike) -> NDArray[np.float64]:
        """Return where points of the slide are in the world.

        Parameters
        ----------
        px0 : array_like of shape (N, 2)
            As `px0` returns them.
        """
        steps = np.array([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]) - 0.5
        origin, down, right = (
            np.asarray(self.layer.data_to_world(step)[-2:]) for step in steps
        )
        placed: NDArray[np.float64] = origin + np.asarray(px0) @ np.array(
            [down - origin, right - origin]
        )
        return placed

    def box_px0(self, world: Iterable[Any]) -> Box | None:
        """Return the smallest box around world points, the part of it on the slide."""
        points = [self.px0(point) for point in world]
        y0, x0 = np.floor(np.min(points, axis=0)).astype(int).tolist()
        y1, x1 = np.ceil(np.max(points, axis=0)).astype(int).tolist()
        box = Box(y0, x0, max(y1 - y0, 1), max(x1 - x0, 1))
        return box.intersection(virtual_levels(self.slide)[0].box)
