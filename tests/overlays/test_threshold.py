"""From attention to labels."""

import numpy as np
import pytest

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays import (
    Proposal,
    mass_mask,
    quantile_of,
    threshold_overlay,
)
from napari_histossl.store import Pyramid


@pytest.fixture
def overlay(tmp_path):
    """Two heads on 6 x 8 tokens of 4 um; the last column is not computed."""
    values = np.arange(48, dtype=np.float16).reshape(6, 8)
    values[:, 7] = np.nan
    pyramid = Pyramid.create(
        tmp_path / "o.ome.zarr", shape=(2, 6, 8), dtype=np.float16,
        pixel_um_yx=(4.0, 4.0), fill_value=float("nan"), provenance={"model": "x"},
    )  # fmt: skip
    pyramid.write(Box(0, 0, 6, 8), np.stack([values, values[::-1]]))
    pyramid.refresh()
    yield pyramid
    pyramid.close()


def test_a_threshold_and_a_quantile(overlay):
    attended = threshold_overlay(overlay, 0, threshold=20.0)
    values = overlay.read(Box(0, 0, 6, 8))[0]
    np.testing.assert_array_equal(attended, np.nan_to_num(values, nan=-1) >= 20)
    assert not attended[:, 7].any()
    upper = threshold_overlay(overlay, 1, quantile=0.75)
    assert upper.sum() / 42 == pytest.approx(0.25, abs=0.03)
    part = threshold_overlay(overlay, 0, threshold=20.0, box=Box(2, 1, 3, 4))
    np.testing.assert_array_equal(part, attended[2:5, 1:5])


def test_what_cannot_be_thresholded(overlay, tmp_path):
    with pytest.raises(PlanError, match="got channel 2"):
        threshold_overlay(overlay, 2, threshold=1.0)
    with pytest.raises(PlanError, match="either a threshold or a quantile"):
        threshold_overlay(overlay, 0)
    with pytest.raises(PlanError, match="from 0 to 1"):
        quantile_of(overlay, 0, 1.5)
    empty = Pyramid.create(
        tmp_path / "e.ome.zarr", shape=(1, 4, 4), dtype=np.float16,
        fill_value=float("nan"),
    )  # fmt: skip
    with empty, pytest.raises(PlanError, match="no values yet"):
        quantile_of(empty, 0, 0.5)


def test_a_proposal_in_pixels_of_a_mask(overlay):
    """A mask of 1 um pixels: each token is a square of 4 x 4 of them."""
    proposal = Proposal.from_overlay(
        overlay, 0, shape=(24, 30), mpp_yx=(1.0, 1.0), threshold=20.0, class_index=3
    )
    attended = threshold_overlay(overlay, 0, threshold=20.0)
    expected = (attended.repeat(4, 0).repeat(4, 1) * 3).astype(np.uint8)[:24, :30]
    whole = proposal.read(Box(0, 0, 24, 30))
    np.testing.assert_array_equal(whole, expected)
    assert whole.dtype == np.uint8
    box = Box(5, 9, 7, 13)
    np.testing.assert_array_equal(proposal.read(box), expected[box.slices])
    np.testing.assert_array_equal(
        proposal.read(Box(0, 0, 12, 15), 1), expected[1::2, 1::2]
    )
    assert proposal.facts["threshold"] == 20.0


def test_a_scale_that_is_not_whole(overlay):
    proposal = Proposal.from_overlay(
        overlay, 0, shape=(9, 12), mpp_yx=(2.6, 2.7), quantile=0.5
    )
    values = overlay.read(Box(0, 0, 6, 8))[0]
    whole = proposal.read(Box(0, 0, 9, 11))
    for row, column in np.ndindex(whole.shape):
        token = values[int((row + 0.5) * 2.6 / 4), int((column + 0.5) * 2.7 / 4)]
        assert whole[row, column] == (token >= proposal.threshold)


def test_proposals_that_cannot_be(overlay, tmp_path):
    with pytest.raises(PlanError, match=r"class from 1 to 255; got threshold 1\.0"):
        Proposal.from_overlay(
            overlay, 0, shape=(4, 4), mpp_yx=(1, 1), threshold=1.0, class_index=0
        )
    unscaled = Pyramid.create(
        tmp_path / "u.ome.zarr", shape=(1, 4, 4), dtype=np.float16
    )
    with unscaled, pytest.raises(PlanError, match="how large its pixels are"):
        Proposal.from_overlay(unscaled, 0, shape=(4, 4), mpp_yx=(1, 1), threshold=1.0)


def _slow_mass(tile, mass):
    """As published: sort upwards, keep what lies beyond a running sum of 1 - mass."""
    flat = tile.ravel()
    order = np.argsort(flat, kind="stable")
    running = np.cumsum(flat[order]) / flat.sum()
    kept = np.zeros(flat.size, bool)
    kept[order] = running > 1 - mass
    return kept.reshape(tile.shape)


def test_mass_equals_the_plain_way():
    values = np.random.default_rng(1).exponential(size=(8, 12))
    got = mass_mask(values, 4, 0.6)
    for row in range(0, 8, 4):
        for column in range(0, 12, 4):
            tile = (slice(row, row + 4), slice(column, column + 4))
            np.testing.assert_array_equal(got[tile], _slow_mass(values[tile], 0.6))
            held = values[tile][got[tile]].sum() / values[tile].sum()
            assert held + 1e-9 >= 0.6
    assert mass_mask(values, 4, 1.0).all()


def test_mass_of_tiles_that_are_not_computed():
    values = np.full((4, 8), np.nan)
    values[:, :4] = 1.0
    got = mass_mask(values, 4, 0.5)
    assert got[:, :4].sum() == 8
    assert not got[:, 4:].any()
    with pytest.raises(PlanError, match="whole tiles of 3"):
        mass_mask(values, 3, 0.5)
