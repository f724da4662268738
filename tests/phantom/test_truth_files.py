"""Truth as files: what they hold is what the slide says."""

import csv

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import StoreError
from napari_histossl.phantom import PhantomSlide
from napari_histossl.phantom.truth import write_truth


def test_files_hold_the_truth(tmp_path):
    slide = PhantomSlide(3, 700, 900, 0.5)
    classes, nuclei = write_truth(slide, tmp_path / "a.svs")
    assert (classes.name, nuclei.name) == ("a_classes.png", "a_nuclei.csv")
    whole = slide.levels[0].box
    np.testing.assert_array_equal(
        np.asarray(Image.open(classes)), slide.truth(whole, 0)
    )
    rows = list(csv.DictReader(nuclei.read_text().splitlines()))
    found = slide.nuclei(whole)
    assert len(rows) == len(found.class_index) > 100
    centres = [(float(row["row_px0"]), float(row["column_px0"])) for row in rows]
    np.testing.assert_allclose(centres, found.centre_px0, atol=0.051)


def test_a_gigapixel_map_is_refused(tmp_path):
    with pytest.raises(StoreError, match="100,000,000"):
        write_truth(PhantomSlide(3, 20_000, 20_000, 0.5), tmp_path / "a.svs")
