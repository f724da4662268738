"""Drawn tissue with exact truth: sample slides, tests, training data."""

from napari_histossl.phantom.render import Drawing
from napari_histossl.phantom.slide import NucleiTruth, PhantomSlide, PhantomSource

__all__ = ["Drawing", "NucleiTruth", "PhantomSlide", "PhantomSource"]
