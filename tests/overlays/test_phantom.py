"""A drawn slide, which has no file, goes through the engine by its record."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from napari_histossl.errors import StoreError
from napari_histossl.overlays import run
from napari_histossl.phantom import PhantomSource
from napari_histossl.store import Pyramid

pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def drawn():
    with PhantomSource(7, 600, 530, 0.25, "v1").open() as slide:
        yield slide


def test_a_drawn_slide_in_another_process(drawn, make_plan):
    """At 0.25 um/px the model's 0.5 is level 1: half the pixels."""
    plan, twin = (make_plan(slide=drawn, name=n, batch=8) for n in ("a", "b"))
    assert plan.level == 1
    assert plan.mpp_yx == (0.5, 0.5)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        records = list(run(drawn.source, plan, executor=pool))
    list(run(drawn.source, twin))
    assert records[-1].done == records[-1].total == len(plan.tiles_ij)
    with Pyramid.open(plan.out) as one, Pyramid.open(twin.out) as other:
        whole = one.levels[0].box
        values = one.read(whole)
        np.testing.assert_array_equal(values, other.read(whole))
        assert one.provenance["slide"]["fingerprint"] == drawn.source.fingerprint
    assert np.isfinite(values).all()


def test_a_drawn_slide_needs_a_workspace(drawn, make_plan):
    with pytest.raises(StoreError, match="workspace"):
        make_plan(slide=drawn, workspace=None)
