"""From a choice to a plan, without a window, a slide's pixels or torch."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import MissingScaleError, NoTissueError, PlanError
from napari_histossl.geometry import Box, Level
from napari_histossl.models import WeightsRecord, model_spec
from napari_histossl.overlays.cost import tile_flops
from napari_histossl.panels import AttentionChoice, SlideFacts, resolve


class _Source:
    name, fingerprint = "a.svs", "f00"

    def open(self):
        raise AssertionError("a plan is made without opening the slide")


SPEC = model_spec("vit_sample_patch8")
RECORD = WeightsRecord("/w/dino.safetensors", "ab" * 32, SPEC)
FACTS = SlideFacts(
    source=_Source(),
    levels=tuple(Level((4000 // 2**k, 6000 // 2**k), 2.0**k) for k in range(4)),
    mpp_yx=(0.25, 0.25),
    is_tissue=np.ones((40, 60), bool),
    tissue_downsample=100.0,
    weights=RECORD,
)
CHOICE = AttentionChoice(workspace="/results")


def test_a_whole_slide():
    plan = resolve(CHOICE, FACTS)
    assert (plan.level, plan.mpp_yx, plan.downsample) == (1, (0.5, 0.5), 2.0)
    assert plan.shape == (8, 250, 375)
    assert plan.pixel_um_yx == (4.0, 4.0)
    assert len(plan.tiles_ij) == 16 * 24
    assert plan.stored_bytes == 16 * 24 * 8 * 256 * 2
    assert plan.seconds > 0
    assert plan.out == "/results/a.svs.histossl/overlays/attention dino.ome.zarr"
    assert plan.tile_box(1, 2) == Box(128, 256, 128, 128)
    assert plan.token_box(1, 2) == Box(16, 32, 16, 16)
    summary = plan.summary()
    for part in ("384 of 128 px", "0.5 um/px", "8 heads", "level 1", "softmax"):
        assert part in summary


@pytest.mark.parametrize(
    ("mpp", "level", "read_mpp", "words"),
    [
        (0.25, 1, 0.5, "gets 0.5 um/px"),
        (0.2527, 1, 0.5054, "gets 0.505 um/px"),  # within 5 %: as it is
        (0.2277, 1, 0.5, "gets 0.5 um/px"),  # averaged from 0.4554
        (0.2, 1, 0.5, "gets 0.5 um/px"),
        (0.499, 0, 0.499, "gets 0.499 um/px"),
        (0.6, 0, 0.6, "nothing finer"),
        (2.0, 0, 2.0, "expect little"),
    ],
)
def test_the_scale_that_is_read(mpp, level, read_mpp, words):
    plan = resolve(replace(CHOICE, mpp=mpp), FACTS)
    assert plan.level == level
    assert plan.mpp_yx == pytest.approx((read_mpp, read_mpp))
    assert plan.downsample == pytest.approx(read_mpp / mpp)
    assert plan.level_shape == tuple(
        int(np.ceil(n / plan.downsample)) for n in (4000, 6000)
    )
    note = next(note for note in plan.notes if "trained at" in note)
    assert words in note
    assert ("averaged from level 1" in plan.summary()) == (mpp in (0.2277, 0.2))


def test_tissue_decides_and_its_absence_is_said():
    tissue = np.zeros((40, 60), bool)
    tissue[10:20, 30:40] = True  # 1000 x 1000 px of level 0
    plan = resolve(CHOICE, replace(FACTS, is_tissue=tissue))
    rows, columns = np.array(plan.tiles_ij).T
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (4, 7, 11, 15)
    with pytest.raises(NoTissueError, match=r"no tissue was found on a\.svs"):
        resolve(CHOICE, replace(FACTS, is_tissue=np.zeros((40, 60), bool)))
    unlooked = resolve(CHOICE, replace(FACTS, is_tissue=None))
    assert len(unlooked.tiles_ij) == 384
    assert any("glass" in note for note in unlooked.notes)


def test_extents():
    view = Box(1000, 2000, 600, 600)
    seen = replace(FACTS, view_px0=view)
    only = resolve(replace(CHOICE, extent="view"), seen)
    assert set(only.tiles_ij) == {(i, j) for i in (3, 4, 5, 6) for j in (7, 8, 9, 10)}
    whole = resolve(CHOICE, seen)
    assert set(whole.tiles_ij[:16]) == set(only.tiles_ij)
    assert len(whole.tiles_ij) == 384
    with pytest.raises(PlanError, match="no region to run on"):
        resolve(replace(CHOICE, extent="region"), seen)
    tissue = np.zeros((40, 60), bool)
    tissue[:2] = True
    with pytest.raises(NoTissueError, match="chosen view"):
        resolve(replace(CHOICE, extent="view"), replace(seen, is_tissue=tissue))


@pytest.mark.parametrize(
    ("choice", "facts", "error", "words"),
    [
        ({}, {"mpp_yx": None}, MissingScaleError, "--mpp 0.5"),
        ({"mpp": 500.0}, {}, PlanError, "500 x 500 um"),
        ({"mpp": float("nan")}, {}, PlanError, "nan x nan um"),
        ({"batch": 0}, {}, PlanError, "batch 0"),
        ({"min_tissue": 0.0}, {}, PlanError, "tissue share 0.0"),
        ({"model": "vit"}, {}, PlanError, "is for the model vit_sample_patch8"),
        ({}, {"weights": replace(RECORD, spec=None)}, PlanError, "name the model"),
        (
            {"model": "hipt_vit4k_xs"},
            {"weights": replace(RECORD, spec=None)},
            PlanError,
            "reads features, not pixels",
        ),
    ],
    ids=["no scale", "absurd", "nan", "batch", "tissue", "other", "silent", "region"],
)
def test_what_does_not_add_up(choice, facts, error, words):
    with pytest.raises(error) as caught:
        resolve(replace(CHOICE, **choice), replace(FACTS, **facts))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_with_its_model_named():
    silent = replace(FACTS, weights=WeightsRecord("/w/vit256.pth", "cd" * 32, None))
    plan = resolve(replace(CHOICE, model="vit_small_patch16"), silent)
    assert (plan.spec.tile_px, plan.spec.token_px, plan.spec.heads) == (256, 16, 6)
    assert plan.name == "attention vit256"


def test_the_estimate_counts_what_a_tile_costs():
    """ViT-S/16 on 256 px: 12 blocks, 257 tokens of 384, known to be near 12 GFLOP."""
    small = tile_flops(model_spec("vit_small_patch16"))
    assert 1.0e10 < small < 1.3e10
    assert tile_flops(SPEC) < small / 10
