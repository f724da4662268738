from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_histossl.classes import DEFAULT_CLASSES, LUAD_CLASSES
from napari_histossl.errors import StoreError
from napari_histossl.store.masks import read_mask_png, write_mask_png, write_values_png


@pytest.mark.parametrize("classes", [None, DEFAULT_CLASSES])
def test_indices_come_back_and_colours_show(tmp_path, rng, classes):
    labels = rng.integers(0, 256, (70, 90)).astype(np.uint8)
    labels[0, 0] = 1
    write_mask_png(tmp_path / "a.png", labels, classes)
    assert np.array_equal(read_mask_png(tmp_path / "a.png"), labels)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    shown = Image.open(tmp_path / "a.png").convert("RGB").getpixel((0, 0))
    if classes is not None:
        assert shown == classes[1].colour


def test_all_indices_differ_in_colour(tmp_path):
    labels = np.arange(256, dtype=np.uint8)[None]
    write_mask_png(tmp_path / "a.png", labels)
    shown = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 250


def test_values_from_0_show_the_colours_of_published_sets(tmp_path):
    values = np.array([[0, 1, 2, 3, 4]], np.uint8)
    write_values_png(tmp_path / "a.png", values, LUAD_CLASSES, 4)
    assert np.array_equal(read_mask_png(tmp_path / "a.png"), values)
    shown = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))[0]
    published = [(205, 51, 51), (0, 255, 0), (65, 105, 225), (255, 165, 0)]
    assert [tuple(pixel) for pixel in shown.tolist()] == [*published, (255, 255, 255)]


def test_grey_masks_of_others_are_read(tmp_path):
    labels = np.array([[0, 3], [5, 1]], np.uint8)
    Image.fromarray(labels).save(tmp_path / "a.png")
    assert np.array_equal(read_mask_png(tmp_path / "a.png"), labels)


def test_what_is_not_a_mask_is_named(tmp_path):
    with pytest.raises(StoreError, match="uint8 labels"):
        write_mask_png(tmp_path / "a.png", np.zeros((5, 5), int))
    with pytest.raises(StoreError, match="does not exist"):
        read_mask_png(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(StoreError, match="damaged"):
        read_mask_png(tmp_path / "text.png")
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(tmp_path / "rgb.png")
    Image.fromarray(np.zeros((5, 5), np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(StoreError, match="16 bits a pixel"):
        read_mask_png(tmp_path / "deep.png")
    with pytest.raises(StoreError, match="instead of class indices"):
        read_mask_png(tmp_path / "rgb.png")
