"""Segmentation of a slide by windows: what each pixel is, gated by a classifier.

Every window is segmented for itself: logits become probabilities, classes that a
classifier does not find in the window are taken out, the rest is scaled to one again.
Only then are windows that overlap blended, so that no seam shows and a class that is
taken out in one window is not averaged in as a zero of logits.

References
----------
Han et al. 2022, "Multi-layer pseudo-supervision for histopathology tissue semantic
segmentation using patch-level classification labels", arXiv:2110.08048, section on the
classification gate mechanism. Changed: their patches do not overlap; blending, and that
it comes after the gate, is ours.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_histossl.models.gate import gated_probabilities
from napari_histossl.models.metadata import examine_weights
from napari_histossl.models.recipe import recipe
from napari_histossl.models.registry import ModelSpec, model_spec
from napari_histossl.overlays.class_labels import BACKGROUND
from napari_histossl.overlays.class_parameters import (
    PROBABILITY,
    class_parameters,
    classes_of,
)
from napari_histossl.overlays.class_sink import ClassSink, LabelRaster
from napari_histossl.overlays.device import Halving
from napari_histossl.overlays.finite import half_then_full
from napari_histossl.overlays.loaded import loaded_model
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Values
from napari_histossl.overlays.raster import Raster
from napari_histossl.overlays.windows import WindowPredictor, Windows, with_background
from napari_histossl.slide import SlideSource

MEANING = (
    "probability of each class, softmax over classes; those that the classifier does "
    "not find in a window are taken out of it; windows are blended; NaN is not "
    "computed; the last channel is the share of the pixel that is no tissue"
)
"""What the numbers mean; stored with each overlay."""

LABELS = "the most probable class of each pixel; 0 is not computed, or no tissue"
"""What the labels mean."""


class SegmentationPredictor(WindowPredictor):
    """A slide, a segmenter and a classifier, open; a `Predictor`.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        From `panels.segmentation.resolve_segmentation`; its tiles are not used.

    Raises
    ------
    WeightsError
        If weights cannot be read or have changed since the plan was made.
    SlideOpenError
        If the slide cannot be opened.
    PlanError
        If a GPU is asked for and absent.
    """

    def __init__(self, source: SlideSource, plan: RunPlan) -> None:
        super().__init__(source, plan)
        told = dict(plan.options)
        self._recipe, self._epsilon = recipe(told["recipe"]), told["epsilon"]
        self._classifier: Any = None
        if told["classifier_weights"]:
            weights, sha256 = told["classifier_weights"], told["classifier_sha256"]
            spec = _spec_of(weights, told["classifier"])
            self._classifier = loaded_model(spec, weights, sha256, str(self._device))
        self._forward = Halving(self._probabilities)

    def compute(self, inputs: Windows) -> Values:  # type: ignore[override]
        """Return the probabilities of windows.

        Parameters
        ----------
        inputs : Windows
            As `read` returns them.

        Returns
        -------
        tuple of one ndarray of shape (N, classes + 1, pixels, pixels)
            See `MEANING`; over classes they sum to one.

        Raises
        ------
        ModelError
            If a model gives values that are not finite.
        """
        with torch.inference_mode():
            probabilities = self._forward(self.images(inputs.pixels)).cpu().numpy()
        self._need_finite(probabilities)
        return (with_background(probabilities, inputs),)

    def _probabilities(self, images: Tensor) -> Tensor:
        """Return what is stored of pictures, (N, classes, pixels, pixels)."""
        logits = half_then_full(self._model, images, self._plan.precision)
        if self._classifier is None:
            found = logits.softmax(1)
        else:
            told = half_then_full(self._classifier, images, self._plan.precision)
            found = gated_probabilities(
                logits, told.sigmoid(), self._recipe, epsilon=self._epsilon
            )
        return F.avg_pool2d(found, self._plan.spec.token_px)


def _spec_of(weights: str, model: str) -> ModelSpec:
    """Return the model of weights, whose file may not say it."""
    return examine_weights(weights).spec or model_spec(model)


def segmentation_sink(source: SlideSource, plan: RunPlan) -> ClassSink:
    """Return where a run writes: probabilities of classes, and labels beside them."""
    classes = classes_of(plan)
    names = (*(info.name for info in classes), BACKGROUND)
    maps = class_parameters(plan, PROBABILITY, MEANING)
    labels = class_parameters(plan, PROBABILITY, LABELS, kind="segmentation labels")
    return ClassSink(
        source,
        plan,
        (Raster(plan.out, plan.spec.token_px, names, maps),),
        (LabelRaster(dict(plan.options)["labels"], 0, None, classes, 0.0, labels),),
    )
