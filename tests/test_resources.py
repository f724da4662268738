"""Files that ship with the package are found, or one sentence says where to look."""

from pathlib import Path

import pytest

from napari_histossl import resources
from napari_histossl.errors import MissingResourceError


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "site" / "napari_histossl"
    folder.mkdir(parents=True)
    monkeypatch.setattr(resources, "__file__", str(folder / "resources.py"))
    return folder


def fill(folder):
    folder.mkdir()
    (folder / "README.md").touch()
    return folder


def test_a_checkout_has_its_sample_data_beside_the_package():
    expected = Path(resources.__file__).parents[1] / "sample_data"
    assert resources.sample_folder() == expected


def test_the_folder_in_an_installed_package_comes_first(package):
    fill(package.parent / "sample_data")
    inside = fill(package / "sample_data")
    assert resources.sample_folder() == inside


def test_without_sample_data_one_sentence_says_where_it_looked(package):
    with pytest.raises(MissingResourceError, match="sample data") as caught:
        resources.sample_folder()
    assert str(package) in str(caught.value)


def test_a_missing_file_is_named(package):
    fill(package / "sample_data")
    with pytest.raises(FileNotFoundError, match=r"absent\.svs"):
        resources.sample_file("absent.svs")
