from __future__ import annotations

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.errors import SlideOpenError, StoreError
from napari_histossl.geometry import Box
from napari_histossl.napari_io.reader import get_reader
from napari_histossl.store import Pyramid


def pyramid_at(path, **options):
    with Pyramid.create(path, shape=(50, 60), dtype="u1", **options) as pyramid:
        pyramid.write(Box(0, 0, 50, 60), np.full((50, 60), 3, np.uint8))


@pytest.mark.parametrize("suffix", ["svs", "ndpi", "SVS", "mrxs", "dcm", "bif"])
def test_slides_are_known_by_their_suffix(tmp_path, suffix):
    assert get_reader(str(tmp_path / f"a.{suffix}")) is not None


def test_a_tiff_is_for_us_only_if_it_is_a_pyramid_or_large(tmp_path, tiny_tiff):
    assert get_reader(str(tiny_tiff)) is not None
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, np.zeros((64, 64, 3), np.uint8), photometric="rgb")
    tiled = tmp_path / "tiled.tif"
    options = {"tile": (256, 256), "photometric": "rgb", "compression": "deflate"}
    tifffile.imwrite(tiled, np.zeros((512, 512, 3), np.uint8), **options)
    (tmp_path / "text.tif").write_text("hello")
    for name in ("plain.tif", "tiled.tif", "text.tif", "none.tif"):
        assert get_reader(str(tmp_path / name)) is None
    tifffile.imwrite(tiled, np.zeros((4096, 4096, 3), np.uint8), **options)
    assert get_reader(str(tiled)) is not None


def test_other_pictures_are_left_to_napari(tmp_path):
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(tmp_path / "a.png")
    assert get_reader(str(tmp_path / "a.png")) is None
    assert get_reader(str(tmp_path)) is None
    assert get_reader([]) is None


def test_several_slides_are_several_layers(tiny_tiff):
    read = get_reader([str(tiny_tiff), str(tiny_tiff)])
    layers = read([str(tiny_tiff), str(tiny_tiff)])
    assert [kind for _, _, kind in layers] == ["image", "image"]
    ((arrays, options, _), _) = layers
    assert arrays[0].shape == (700, 900, 3)
    assert options["scale"] == pytest.approx((0.5, 0.5))
    assert options["metadata"]["histossl"]["source"].path == tiny_tiff


def test_our_results_open_as_what_they_are(tmp_path):
    pyramid_at(tmp_path / "map.ome.zarr")
    pyramid_at(tmp_path / "mask.ome.zarr", is_label=True, classes=DEFAULT_CLASSES)
    for name, kind in (("map", "image"), ("mask", "labels")):
        path = str(tmp_path / f"{name}.ome.zarr")
        ((arrays, options, got),) = get_reader(path)(path)
        assert got == kind
        assert options["name"] == name
        assert (np.asarray(arrays[0]) == 3).all()


def test_an_ome_zarr_of_others_is_left_to_others(tmp_path):
    zarr.open_group(tmp_path / "other.ome.zarr", mode="w", zarr_format=3)
    assert get_reader(str(tmp_path / "other.ome.zarr")) is None
    assert get_reader(str(tmp_path / "none.ome.zarr")) is None


def test_what_is_not_what_its_name_says_is_one_sentence(tmp_path):
    (tmp_path / "a.svs").write_text("hello")
    path = str(tmp_path / "a.svs")
    with pytest.raises(SlideOpenError, match="is not a slide"):
        get_reader(path)(path)
    pyramid_at(tmp_path / "b.ome.zarr")
    path = str(tmp_path / "b.ome.zarr")
    read = get_reader(path)
    (tmp_path / "b.ome.zarr" / "zarr.json").write_text("{}")
    with pytest.raises(StoreError):
        read(path)
