"""Attention of many slides: what is said, what is written, what goes wrong."""

import shutil

import numpy as np
import pytest

from napari_histossl.jobs import Orders
from napari_histossl.panels.attention import AttentionChoice
from napari_histossl.panels.attention_list import (
    NamedSlide,
    run_over_slides,
    slides_of,
)
from napari_histossl.panels.worklist import open_worklist
from napari_histossl.store import Pyramid

pytestmark = pytest.mark.torch


@pytest.fixture
def folder(tiny_tiff, tmp_path):
    folder = tmp_path / "slides"
    folder.mkdir()
    for name in ("a.tif", "c.tif"):
        shutil.copy(tiny_tiff, folder / name)
    (folder / "b.tif").write_bytes(b"no slide")
    return folder


def overlays(tmp_path):
    return sorted((tmp_path / "out").glob("*/overlays/*.ome.zarr"))


def test_a_bad_slide_does_not_end_the_list(folder, tmp_path):
    slides = slides_of(open_worklist(folder))
    choice = AttentionChoice(workspace=tmp_path / "out")
    steps = list(run_over_slides(slides, choice))
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == steps[-1].total == 3000
    assert steps[-1].message.startswith("2 of 3 slides are done; b.tif: ")
    assert any(step.message.startswith("c.tif, slide 3 of 3: ") for step in steps)
    assert all(step.box is None for step in steps)
    assert len(overlays(tmp_path)) == 2
    for path in overlays(tmp_path):
        with Pyramid.open(path) as pyramid:
            assert np.isfinite(pyramid.read(pyramid.levels[0].box)).any()


def test_masked_names_are_not_in_what_is_said(folder, tmp_path):
    slides = [NamedSlide(folder / "b.tif", "Slide 1")]
    steps = list(run_over_slides(slides, AttentionChoice(workspace=tmp_path / "out")))
    assert "0 of 1 slides" in steps[-1].message
    assert not any("b.tif" in step.message for step in steps)


def test_a_list_that_is_stopped_ends(folder, tmp_path):
    orders = Orders()
    slides = slides_of(open_worklist(folder))
    choice = AttentionChoice(workspace=tmp_path / "out")
    for step in run_over_slides(slides, choice, orders=orders):
        if "tiles" in step.message:
            orders.stop()
    assert step.done < 1000
    assert len(overlays(tmp_path)) == 1
