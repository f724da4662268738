"""What a classifier sees on a slide, tile by tile: probabilities and activation maps.

Tiles are those of the classifier's training and do not overlap: every map has the scale
of its own tile, and what a person sees is what training makes its labels from.

References
----------
Han et al. 2022, arXiv:2110.08048; see `models.cam` and `models.pseudo_masks`. Changed:
maps are resized to what is stored of them, not to all pixels; in the place of labels of
pictures stands what the classifier itself finds in a tile.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from napari_histossl.models.cam import cams_of, grad_cams_of_labels, record_layers
from napari_histossl.models.pseudo_masks import scaled_maps
from napari_histossl.models.recipe import PSEUDO_LAYERS, recipe
from napari_histossl.overlays.class_labels import BACKGROUND
from napari_histossl.overlays.class_parameters import (
    CAM,
    LAST,
    PROBABILITY,
    class_parameters,
    classes_of,
    map_path,
)
from napari_histossl.overlays.class_sink import ClassSink, LabelRaster
from napari_histossl.overlays.device import Halving
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Values
from napari_histossl.overlays.raster import Raster
from napari_histossl.overlays.windows import WindowPredictor, Windows, with_background
from napari_histossl.slide import SlideSource

FLOOR = 0.01
"""Classes of at most this probability get no maps: they cost a backward pass each."""

PROBABILITIES = (
    "probability of each class in each tile, each class for itself; NaN is not computed"
)
MAPS = (
    f"{{}} of each class, scaled to 0 to 1 within its tile; 0 for classes of a "
    f"probability of at most {FLOOR:g}; values of different tiles are not on one "
    f"scale; NaN is not computed; the last channel is the share of the pixel that is "
    f"no tissue"
)
LABELS = (
    "the class of the highest class activation, of those that the classifier finds in "
    "a tile; 0 is not computed, no tissue, or no class in the tile"
)
"""What the numbers mean; stored with each overlay."""

_MAPS = (*reversed(PSEUDO_LAYERS), LAST)
"""Maps that are stored, the one that says what is done first."""

_SAID = "probability"
"""What the overlay of probabilities is called."""


class ClassMapPredictor(WindowPredictor):
    """A slide and a classifier, open; a `Predictor`.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        From `panels.class_maps.resolve_class_maps`; its tiles are not used.

    Raises
    ------
    WeightsError
        If the weights cannot be read or have changed since the plan was made.
    SlideOpenError
        If the slide cannot be opened.
    PlanError
        If a GPU is asked for and absent.
    """

    def __init__(self, source: SlideSource, plan: RunPlan) -> None:
        super().__init__(source, plan)
        self._recipe = recipe(dict(plan.options)["recipe"])
        self._forward = Halving(self._maps)

    def compute(self, inputs: Windows) -> Values:  # type: ignore[override]
        """Return the maps of tiles.

        Parameters
        ----------
        inputs : Windows
            As `read` returns them.

        Returns
        -------
        tuple of ndarray
            Maps (N, classes + 1, pixels, pixels) of the last layer, of those before
            it, and of the last one without gradients; then the probabilities
            (N, classes, 1, 1).

        Raises
        ------
        ModelError
            If the model gives values that are not finite.
        """
        found = self._forward(self.images(inputs.pixels)).cpu().numpy()
        self._need_finite(found)
        maps: list[NDArray[Any]] = [
            with_background(found[:, index], inputs) for index in range(len(_MAPS))
        ]
        return (*maps, found[:, -1, :, :1, :1])

    def _maps(self, images: Tensor) -> Tensor:
        """Return (N, maps + 1, classes, pixels, pixels); the last are probabilities."""
        edge = self._plan.tile_tokens
        size_px = edge, edge
        recorded = record_layers(self._model, images, PSEUDO_LAYERS)
        told = recorded.logits.detach().sigmoid()
        labels = told > FLOOR
        maps = dict(grad_cams_of_labels(recorded, labels, size_px=size_px))
        last = recorded.maps[PSEUDO_LAYERS[-1]].detach()
        plain = cams_of(last, self._model.class_weights.detach())
        maps[LAST] = F.interpolate(plain, size_px, mode="bilinear")
        scaled = [scaled_maps(maps[name], labels, self._recipe) for name in _MAPS]
        everywhere = told[:, :, None, None].expand(-1, -1, *size_px)
        return torch.stack([*scaled, everywhere], 1).detach()


def class_map_sink(source: SlideSource, plan: RunPlan) -> ClassSink:
    """Return where a run writes: maps of each layer, probabilities, pseudo-masks."""
    told, classes = dict(plan.options), classes_of(plan)
    folder, stem = told["folder"], told["stem"]
    said = map_path(folder, stem, _SAID)
    names = tuple(info.name for info in classes)
    rasters = [
        Raster(
            str(map_path(folder, stem, name)),
            plan.spec.token_px,
            (*names, BACKGROUND),
            class_parameters(
                plan, CAM, MAPS.format(_title(name)), layer=name, presence=said.name
            ),
        )
        for name in _MAPS
    ]
    probabilities = class_parameters(
        plan, PROBABILITY, PROBABILITIES, presence=said.name
    )
    rasters.append(Raster(str(said), plan.spec.tile_px, names, probabilities))
    labels = [
        LabelRaster(
            str(map_path(folder, stem, f"pseudo-mask {name}")),
            index,
            len(_MAPS),
            classes,
            told["epsilon"],
            class_parameters(plan, CAM, LABELS, layer=name, kind="pseudo-mask"),
        )
        for index, name in enumerate(_MAPS)
        if name != LAST
    ]
    return ClassSink(source, plan, rasters, labels)


def _title(name: str) -> str:
    return "class activation" if name == LAST else f"Grad-CAM at {name}"
