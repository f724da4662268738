"""Recipes for patches with names: as published, and small ones for two cores.

References
----------
``published``: Han et al. 2022, arXiv:2110.08048, and ChuHan89/WSSS-Tissue: 20 epochs of
20 patches for the classifier, 30 for the segmenter. The small ones are this package's
own; they learn from scratch, at half the magnification of the patches, whose stain
varies and half of which go through JPEG, as without it the noise of a slide's file was
taken for necrosis. Both read the same pixels, so that the classifier can be the
segmenter's gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from napari_histossl.training.patch_recipe import ClassifierRecipe, SegmenterRecipe
from napari_histossl.training.variation import Variation

_SMALL: Mapping[str, Any] = MappingProxyType(
    {
        "epoch_patches": 1200,
        "shrink": 2,
        "optimiser": "adamw",
        "dropout": 0.0,
        "flips": "quarters",
        "variation": Variation(stain_deviation=0.1, offset_deviation=0.02),
        "jpeg": 0.5,
        "normalise": "pictures",
    }
)
"""What the small ones have in common."""

_BLURRED = Variation(gaussian=0.5, sigma_px=(0.01, 1.0))
"""Of the published segmenter."""

CLASSIFIER_PRESETS: Mapping[str, ClassifierRecipe] = MappingProxyType(
    {
        "small": ClassifierRecipe(
            width=0.125,
            epochs=24,
            learning_rate=2e-3,
            **_SMALL,
        ),
        "small-attention": ClassifierRecipe(
            width=0.125,
            init="trained",
            epochs=12,
            learning_rate=5e-4,
            **_SMALL,
        ),
        "published": ClassifierRecipe(variant="published", init="imagenet"),
    }
)
"""By name."""

SEGMENTER_PRESETS: Mapping[str, SegmenterRecipe] = MappingProxyType(
    {
        "small": SegmenterRecipe(
            backbone="small",
            epochs=24,
            learning_rate=2e-3,
            **_SMALL,
        ),
        "published": SegmenterRecipe(
            variant="published",
            epochs=30,
            flips="sideways",
            variation=_BLURRED,
            patience=30,
        ),
    }
)
"""By name."""
