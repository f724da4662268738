"""Setting "v1" does not change: stored crops, to one grey level.

Processors differ in the last bit of `exp` and `sin`, hence one grey level, and perhaps
a pixel on a border; `tests/benchmarks/phantom_acceptance.py` wrote the crops.
"""

from pathlib import Path

import numpy as np
import pytest

from napari_histossl.geometry import Box
from napari_histossl.phantom import PhantomSlide
from napari_histossl.phantom.settings import SETTINGS

DATA = Path(__file__).parents[1] / "data"
ON_A_BORDER_PX = 2
"""Pixels of a crop whose class, or whose nucleus, may differ."""


def stored(setting):
    with np.load(DATA / f"phantom_{setting}.npz") as crops:
        return {name: crops[name] for name in crops.files}


def test_every_setting_has_stored_crops():
    for setting in SETTINGS:
        assert (DATA / f"phantom_{setting}.npz").is_file()


@pytest.mark.parametrize("number", range(13))
def test_a_stored_crop_is_drawn_again(number):
    crops = stored("v1")
    seed, side, level, y, x, edge = crops["places"][number].tolist()
    slide = PhantomSlide(seed, side, side, float(crops["mpp"][number]), setting="v1")
    drawing = slide.draw(Box(y, x, edge, edge), level)
    apart = np.abs(drawing.rgb.astype(int) - crops["rgb"][number])
    assert apart.max() <= 1
    assert (drawing.truth != crops["truth"][number]).sum() <= ON_A_BORDER_PX
    assert (drawing.nuclei != crops["nuclei"][number]).sum() <= ON_A_BORDER_PX


def test_the_stored_crops_show_every_class():
    assert set(np.unique(stored("v1")["truth"])) == {1, 2, 3, 4, 5}
