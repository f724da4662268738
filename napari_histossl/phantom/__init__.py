"""Drawn tissue with exact truth: sample slides, tests, training data."""

from napari_histossl.phantom.patches import Patches, sample_patches
from napari_histossl.phantom.render import Drawing
from napari_histossl.phantom.sample import sample_source
from napari_histossl.phantom.settings import SETTINGS
from napari_histossl.phantom.slide import NucleiTruth, PhantomSlide, PhantomSource

__all__ = [
    "SETTINGS",
    "Drawing",
    "NucleiTruth",
    "Patches",
    "PhantomSlide",
    "PhantomSource",
    "sample_patches",
    "sample_source",
]
