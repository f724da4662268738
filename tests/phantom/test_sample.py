"""The sample slide shows everything, and the sample data are found."""

from pathlib import Path

import numpy as np
import pytest

import napari_histossl
from napari_histossl.errors import SlideOpenError
from napari_histossl.phantom import sample_folder, sample_source


def test_the_sample_slide_shows_every_class():
    slide = sample_source().open()
    truth = slide.truth(slide.levels[4].box, 4)
    shares = np.bincount(truth.ravel(), minlength=6)[1:] / truth.size
    assert (shares > 0.02).all()
    assert 0.4 < 1 - shares[4] < 0.85


def test_a_checkout_has_its_sample_folder_beside_the_package():
    assert sample_folder() == Path(napari_histossl.__file__).parents[1] / "sample_data"


def test_the_folder_in_an_installed_package_comes_first(tmp_path, monkeypatch):
    package = tmp_path / "site" / "napari_histossl"
    (package / "sample_data").mkdir(parents=True)
    (package.parent / "sample_data").mkdir()
    monkeypatch.setattr(napari_histossl, "__file__", str(package / "__init__.py"))
    assert sample_folder() == package / "sample_data"


def test_without_sample_data_one_sentence_says_where_it_looked(tmp_path, monkeypatch):
    package = tmp_path / "napari_histossl" / "__init__.py"
    monkeypatch.setattr(napari_histossl, "__file__", str(package))
    with pytest.raises(
        SlideOpenError, match=r"no sample data: looked for .*sample_data"
    ):
        sample_folder()
