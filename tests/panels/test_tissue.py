"""Saved tissue is used, replaced as a whole, and belongs to its slide."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.errors import StoreError
from napari_histossl.panels.tissue import (
    find_and_save,
    load_tissue,
    save_tissue,
    saved_or_found,
    tissue_path,
)
from napari_histossl.slide import ArraySlide, TissueMap, open_slide


@pytest.fixture
def corrected(array_slide, tmp_path):
    labels = np.full((20, 30), 2, np.uint8)
    labels[3:9, 4:11] = 1
    save_tissue(
        tissue_path(tmp_path), TissueMap(labels, 32.0), array_slide, corrected=True
    )
    return labels


def test_what_a_person_corrected_is_used(array_slide, tmp_path, corrected):
    tissue = saved_or_found(array_slide, tmp_path)
    np.testing.assert_array_equal(tissue.labels, corrected)
    assert tissue.downsample == 32.0


def test_without_a_saved_map_it_is_found(array_slide, tmp_path):
    tissue = saved_or_found(array_slide, tmp_path)
    assert 0.2 < tissue.share < 0.6
    assert not list(tmp_path.iterdir())


def test_the_job_saves_what_it_finds(tiny_tiff, tmp_path):
    with open_slide(tiny_tiff) as slide:
        path = tissue_path(tmp_path / "results")
        steps = list(find_and_save(slide.source, path))
        assert steps[-1].done == steps[-1].total
        found = load_tissue(path, slide)
        np.testing.assert_array_equal(
            found.labels, saved_or_found(slide, tmp_path / "nowhere").labels
        )


def test_a_new_map_replaces_the_old_one_and_leaves_nothing(
    array_slide, tmp_path, corrected
):
    save_tissue(
        tissue_path(tmp_path),
        TissueMap(np.ones((11, 15), np.uint8), 64.0),
        array_slide,
        corrected=True,
    )
    assert saved_or_found(array_slide, tmp_path).share == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tissue.ome.zarr"]


def test_a_crash_between_old_and_new_keeps_the_old(array_slide, tmp_path, corrected):
    path = tissue_path(tmp_path)
    path.rename(path.with_name(f"old-{path.name}"))
    np.testing.assert_array_equal(
        saved_or_found(array_slide, tmp_path).labels, corrected
    )


def test_the_map_of_another_slide_is_refused(tmp_path, corrected):
    other = ArraySlide(np.zeros((700, 900, 3), np.uint8), mpp_yx=(0.5, 0.5))
    with pytest.raises(StoreError, match="another slide"):
        saved_or_found(other, tmp_path)
