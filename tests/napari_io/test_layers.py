"""Layer tuples put into napari's own model, without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_histossl.classes import DEFAULT_CLASSES, TISSUE_CLASSES
from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import (
    METADATA_KEY,
    contrast_limits,
    mask_layer,
    overlay_layer,
    slide_layer,
    tissue_layer,
)
from napari_histossl.slide import ArraySlide
from napari_histossl.store import Pyramid

napari_components = pytest.importorskip("napari.components")
HEADS = 3


@pytest.fixture
def model():
    """A viewer without a window."""
    return napari_components.ViewerModel()


@pytest.fixture(params=[(0.5, 0.5), (0.4, 0.6), None], ids=["um", "oblong", "px"])
def slide(request, tissue_picture):
    """A drawn slide of 700 x 900 px with and without a scale."""
    return ArraySlide(tissue_picture, mpp_yx=request.param, name="drawn")


def add(model, layer_tuple):
    data, options, kind = layer_tuple
    return getattr(model, f"add_{kind}")(data, **options)


def world_edges(layer):
    """Outer edges along rows and columns, in world units: (2, 2)."""
    return np.asarray(layer.extent.world)[:, -2:] + half_pixel(layer)


def half_pixel(layer):
    # napari's extent runs from first to last pixel centre
    half = np.asarray(layer.scale)[-2:] / 2
    return np.array([-half, half])


def pixel_of(slide, px0):
    return None if slide.mpp_yx is None else tuple(m * px0 for m in slide.mpp_yx)


def overlay(folder, slide, px0=20, dtype=np.float32, shape=(HEADS, 35, 45), **options):
    return Pyramid.create(
        folder / "overlays" / "heads.ome.zarr",
        shape=shape,
        dtype=dtype,
        pixel_um_yx=pixel_of(slide, px0),
        pixel_px0_yx=(px0, px0),
        **options,
    )


def test_a_slide_is_a_multiscale_image_in_its_units(model, slide):
    layer = add(model, slide_layer(slide))
    assert layer.multiscale
    assert layer.rgb
    assert layer.name == "drawn"
    assert [level.shape for level in layer.data] == [(700, 900, 3), (350, 450, 3)]
    assert tuple(layer.scale) == (slide.mpp_yx or (1, 1))
    unit = "pixel" if slide.mpp_yx is None else "micrometer"
    assert [str(u) for u in layer.units] == [unit, unit]
    assert layer.metadata[METADATA_KEY]["source"] is slide.source


def test_an_overlay_covers_the_slide_edge_to_edge(model, slide, tmp_path):
    image = add(model, slide_layer(slide))
    with overlay(tmp_path, slide) as pyramid:
        layer = add(model, overlay_layer(pyramid, slide))
    assert np.allclose(world_edges(layer), world_edges(image))
    alone = overlay_layer(Pyramid.open(pyramid.path))[1]
    assert np.allclose(alone["translate"], layer.translate)


def test_an_overlay_of_a_part_lies_where_it_belongs(model, slide, tmp_path):
    image = add(model, slide_layer(slide))
    origin = tuple(100 * m for m in slide.mpp_yx or (1, 1))
    options = {"shape": (HEADS, 10, 12), "origin_um_yx": origin}
    with overlay(tmp_path, slide, **options) as pyramid:
        layer = add(model, overlay_layer(pyramid, slide))
    expected = world_edges(image)[0] + np.asarray(origin)
    assert np.allclose(world_edges(layer)[0], expected)


def test_heads_are_one_layer_with_a_slider(model, slide, tmp_path, rng):
    add(model, slide_layer(slide))
    data = rng.random((HEADS, 35, 45)).astype(np.float32)
    with overlay(tmp_path, slide, fill_value=np.nan) as pyramid:
        pyramid.write(Box(0, 0, 35, 45), data)
        layer = add(model, overlay_layer(pyramid, slide, name="vit"))
    assert model.dims.ndim == 3
    assert model.dims.nsteps[0] == HEADS
    assert layer.name == "vit"
    assert layer.interpolation2d == "nearest"
    for head in range(HEADS):
        model.dims.set_current_step(0, head)
        point = (head, *(np.asarray(layer.translate)[1:] + np.asarray(layer.scale)[1:]))
        value = layer.get_value(point, world=True)
        value = value[1] if isinstance(value, tuple) else value
        assert value == pytest.approx(data[head, 1, 1])


def test_limits_leave_out_what_was_not_computed_and_outliers(slide, tmp_path):
    data = np.full((HEADS, 35, 45), 0.2, np.float32)
    data[0, 0, 0] = 100
    with overlay(tmp_path, slide, fill_value=np.nan) as pyramid:
        assert contrast_limits(pyramid) == (0, 1)
        pyramid.write(Box(0, 0, 20, 45), data[:, :20])
        assert contrast_limits(pyramid) == (0, pytest.approx(0.2))


def test_a_mask_shows_its_classes_in_their_colours(model, slide, tmp_path):
    image = add(model, slide_layer(slide))
    with Pyramid.create(
        tmp_path / "mask.ome.zarr",
        shape=(700, 900),
        dtype=np.uint8,
        pixel_um_yx=slide.mpp_yx,
        pixel_px0_yx=(1, 1),
        is_label=True,
        classes=DEFAULT_CLASSES,
        reducer="priority",
    ) as pyramid:
        pyramid.write(Box(100, 100, 50, 50), np.full((50, 50), 3, np.uint8))
        pyramid.refresh()
        layer = add(model, mask_layer(pyramid, slide))
    assert np.allclose(world_edges(layer), world_edges(image))
    assert layer.name == "mask"
    for info in DEFAULT_CLASSES:
        shown = layer.colormap.map(np.uint8(info.index))
        assert np.allclose(shown, (*(c / 255 for c in info.colour), 1), atol=0.01)
    assert layer.colormap.map(np.uint8(0))[-1] == 0


def test_a_mask_of_one_level_is_no_pyramid_to_napari(model, slide, tmp_path):
    image = add(model, slide_layer(slide))
    labels = np.full((14, 18), 2, np.uint8)
    mpp_yx = slide.mpp_yx
    with Pyramid.create(
        tmp_path / "clusters.ome.zarr",
        shape=labels.shape,
        dtype=np.uint8,
        pixel_um_yx=mpp_yx and (mpp_yx[0] * 50, mpp_yx[1] * 50),
        pixel_px0_yx=(50, 50),
        is_label=True,
    ) as pyramid:
        pyramid.write(Box(0, 0, 14, 18), labels)
        layer = add(model, mask_layer(pyramid, slide))
        assert not layer.multiscale
        assert np.array_equal(np.asarray(layer.data), labels)
    assert np.allclose(world_edges(layer), world_edges(image))


def test_tissue_covers_the_slide_and_can_be_edited(model, slide):
    image = add(model, slide_layer(slide))
    labels = np.ones((175, 225), np.uint8)
    layer = add(
        model, tissue_layer(labels, 4.0, TISSUE_CLASSES, slide, Path("tissue.ome.zarr"))
    )
    assert np.allclose(world_edges(layer), world_edges(image))
    assert layer.editable
    layer.paint((10, 10), 3)
    assert labels[10, 10] == 3
