"""Tokens of a slide: computed by the engine, kept tile by tile, read by box."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_histossl.classes import DEFAULT_CLASSES, ClassTable
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.overlays import run
from napari_histossl.overlays.class_labels import ClassLabels
from napari_histossl.overlays.learned import LearnedOverlay
from napari_histossl.overlays.token_store import TokenReader, TokenSink, stored_tiles

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def plan(make_plan, small_slide, tmp_path):
    made = make_plan(small_slide, workspace=tmp_path)
    return replace(made, kind="tokens", out=str(tmp_path / "t.tokens"))


def test_tokens_are_those_of_the_model(small_slide, plan, tiny_weights):
    from napari_histossl.models import load_model

    list(run(small_slide.source, plan))
    model, spec = load_model(tiny_weights)
    row, column = plan.tiles_ij[0]
    pixels = small_slide.read(plan.tile_box(row, column), 0)
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    image = (image - torch.tensor(spec.mean)[:, None, None]) / torch.tensor(spec.std)[
        :, None, None
    ]
    with torch.inference_mode():
        wanted = model.tokens(image)[0, 1:].reshape(4, 4, -1).numpy()
    with TokenReader(plan) as reader:
        found, background = reader.read(reader.grid.box(row, column))
    np.testing.assert_allclose(found, wanted, atol=5e-3)
    assert np.isfinite(background).all()


def test_a_box_over_several_tiles_and_the_edge_is_put_together(small_slide, plan):
    some = replace(plan, tiles_ij=((0, 0), (1, 1)))
    list(run(small_slide.source, some))
    with TokenReader(plan) as reader:
        whole, background = reader.read(Box(-1, -2, 10, 12))
        part, _ = reader.read(Box(0, 0, 4, 4))
    assert reader.tiles == {(0, 0), (1, 1)}
    np.testing.assert_array_equal(whole[1:5, 2:6], part)
    is_there = ~np.isnan(background)
    assert is_there.sum() == 32
    assert not whole[~is_there].any()


def test_other_tiles_are_added_later_and_nothing_twice(small_slide, plan):
    list(run(small_slide.source, replace(plan, tiles_ij=((0, 0), (0, 1)))))
    size = Path(plan.out, "tokens.bin").stat().st_size
    steps = list(run(small_slide.source, replace(plan, tiles_ij=((0, 1), (2, 2)))))
    assert (steps[0].done, steps[-1].done) == (1, 2)
    assert Path(plan.out, "tokens.bin").stat().st_size == size * 3 // 2
    assert stored_tiles(plan) == {(0, 0), (0, 1), (2, 2)}


def test_a_reader_leaves_alone_what_a_writer_adds_meanwhile(small_slide, plan):
    list(run(small_slide.source, replace(plan, tiles_ij=((0, 0),))))
    with TokenReader(plan) as early:
        list(run(small_slide.source, replace(plan, tiles_ij=((0, 1),))))
        early.read(Box(0, 0, 4, 4))
        assert early.tiles == {(0, 0)}
    assert stored_tiles(plan) == {(0, 0), (0, 1)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"slide_fingerprint": "another"}, "another slide, or an earlier content"),
        ({"weights_sha256": "0" * 64}, "other weights"),
        ({"downsample": 2.0}, "another scale or tile"),
    ],
)
def test_tokens_of_something_else_are_not_taken(small_slide, plan, change, words):
    list(run(small_slide.source, replace(plan, tiles_ij=((0, 0),))))
    with pytest.raises(StoreError, match=words):
        stored_tiles(replace(plan, **change))
    with pytest.raises(StoreError, match=words):
        TokenSink(small_slide.source, replace(plan, **change)).open()


def test_a_header_that_was_cut_off_is_told(small_slide, plan):
    list(run(small_slide.source, replace(plan, tiles_ij=((0, 0),))))
    Path(plan.out, "header.json").write_text("{")
    with pytest.raises(StoreError, match="delete the folder"):
        TokenReader(plan)


# ---- What a head says of them


def _teller(vectors, is_there):
    """Return two classes by the sign of the mean token of 3 x 3."""
    inner = vectors[1:-1, 1:-1, 0]
    first = (inner > 0).astype(np.float32)
    return np.stack([first, 1 - first], -1)


def _overlay(slide, plan, path, sha="a"):
    classes = ClassTable(list(DEFAULT_CLASSES)[:2])
    facts = {
        "kind": "learned",
        "classes": classes.to_json(),
        "epsilon": 0.0,
        "head": {"sha256": sha},
    }
    return LearnedOverlay(slide.source, plan, path, classes, facts, _teller, 1)


def test_what_is_told_in_two_goes_is_what_is_told_in_one(small_slide, plan, tmp_path):
    one, two = tmp_path / "one.ome.zarr", tmp_path / "two.ome.zarr"
    tiles = set(plan.tiles_ij)
    list(run(small_slide.source, plan))
    with TokenReader(plan) as tokens:
        with _overlay(small_slide, plan, one) as overlay:
            list(overlay.add(tokens, tiles))
        some = {tile for tile in tiles if tile[1] < 3}
        with _overlay(small_slide, plan, two) as overlay:
            assert list(overlay.add(tokens, some))
        with _overlay(small_slide, plan, two) as overlay:
            list(overlay.add(tokens, tiles))
            assert list(overlay.add(tokens, tiles)) == []
    first, second = ClassLabels.open(one), ClassLabels.open(two)
    whole = first.levels[0].box
    np.testing.assert_array_equal(first.read(whole), second.read(whole))
    assert set(np.unique(first.read(whole))) >= {1, 2}


def test_tiles_that_are_not_wanted_stay_empty(small_slide, plan, tmp_path):
    list(run(small_slide.source, replace(plan, tiles_ij=((0, 0), (1, 1)))))
    path = tmp_path / "some.ome.zarr"
    with (
        TokenReader(plan) as tokens,
        _overlay(small_slide, plan, path) as overlay,
    ):
        list(overlay.add(tokens, {(0, 0), (3, 3)}))
    labels = ClassLabels.open(path)
    assert labels.is_computed(Box(0, 0, 4, 4)).all()
    assert not labels.is_computed(Box(4, 4, 4, 4)).any()


def test_another_head_replaces_what_was_begun_and_nothing_else(
    small_slide, plan, tmp_path
):
    list(run(small_slide.source, replace(plan, tiles_ij=((0, 0), (0, 1)))))
    path = tmp_path / "same.ome.zarr"
    with TokenReader(plan) as tokens:
        for sha in "ab":
            with _overlay(small_slide, plan, path, sha) as overlay:
                assert list(overlay.add(tokens, {(0, 0)}))
    other = replace(plan, kind="attention", out=str(tmp_path / "att.ome.zarr"))
    list(run(small_slide.source, replace(other, tiles_ij=((0, 0),))))
    with pytest.raises(StoreError, match="another kind"):
        _overlay(small_slide, plan, Path(other.out))
