"""Which drawn slide ships with the package as its sample."""

from __future__ import annotations

from napari_histossl.phantom.slide import PhantomSource

SAMPLE_SEED = 125
"""A slide that shows glands, nests, stroma, clusters of lymphocytes and necrosis."""

SAMPLE_HEIGHT = 4096
"""Level-0 pixels."""

SAMPLE_WIDTH = 6144
"""Level-0 pixels."""

SAMPLE_MPP = 0.5
"""Micrometres per level-0 pixel, as of a scan at 20 times."""

SAMPLE_SETTING = "v1"
"""Constants by which it is drawn."""


def sample_source() -> PhantomSource:
    """Return the record of the sample slide; `.open()` draws it without a file."""
    return PhantomSource(
        SAMPLE_SEED, SAMPLE_HEIGHT, SAMPLE_WIDTH, SAMPLE_MPP, SAMPLE_SETTING
    )
