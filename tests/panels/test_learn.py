"""Learning from a mask without a window: what counts, what is planned, what comes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.classes import DEFAULT_CLASSES, Origin
from napari_histossl.errors import PlanError, StoreError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Order, Orders
from napari_histossl.overlays.class_proposal import ClassProposal, LabelChoice
from napari_histossl.panels import gather
from napari_histossl.panels.class_shown import list_shown
from napari_histossl.panels.correct import MaskChoice, resolve, start_mask
from napari_histossl.panels.learn import (
    LearnChoice,
    resolve_learning,
    summarise_learning,
)
from napari_histossl.panels.learn_job import learn
from napari_histossl.panels.learn_mask import MaskOnTokens
from napari_histossl.panels.learn_report import (
    head_of,
    list_learned,
    mean_of,
    read_report,
)
from napari_histossl.slide import ArraySlide
from napari_histossl.store import Pyramid, paths
from napari_histossl.training.shallow import load_head

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytestmark = pytest.mark.torch

CONFIG = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 2}
SIZE = 512
DARK, PALE = 1, 2
"""Classes of the left and the right half of the drawn slide."""


@pytest.fixture(autouse=True)
def one_core():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny transformer: 32 px tiles of 8 px tokens at 0.5 um."""
    from napari_histossl.models import create_model, model_spec, save_weights

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    spec = replace(model_spec("vit", **CONFIG), tile_px=32, mpp=0.5)
    save_weights(create_model("vit", **CONFIG), spec, path)
    return path


@pytest.fixture(scope="module")
def slide():
    """Dark tissue on the left, pale tissue on the right; 512 x 512 px."""
    rng = np.random.default_rng(1)
    picture = rng.normal((190, 120, 170), 12, (SIZE, SIZE, 3))
    picture[:, : SIZE // 2] -= 70
    return ArraySlide(
        picture.clip(0, 255).astype(np.uint8), mpp_yx=(0.5, 0.5), name="halves"
    )


@pytest.fixture
def folder(slide, tmp_path):
    return paths.results_folder(slide.source, tmp_path)


@pytest.fixture
def planned(slide, weights, tmp_path):
    """Plan with options of `LearnChoice`; six small corrections outweigh the model."""

    def plan(**options):
        view = options.pop("view_px0", None)
        given = {"mask": "nests", "weights": weights, "workspace": tmp_path}
        choice = LearnChoice(**given | {"model_weight": 0.01} | options)
        return resolve_learning(choice, gather(choice, slide, view_px0=view))

    return plan


@pytest.fixture
def mask(slide, folder, write_class_maps):
    """A mask of a proposal that takes everything for dark tissue."""
    shape = SIZE // 4, SIZE // 4
    values = np.stack([np.ones(shape), *[np.zeros(shape)] * 4, np.zeros(shape)])
    path = paths.overlay_path(folder, "all dark")
    write_class_maps(path, values, 4, DEFAULT_CLASSES)
    choice = MaskChoice(name="nests", labels=LabelChoice(path))
    plan = resolve(choice, slide, folder)
    list(start_mask(plan))
    return plan.path


def paint(mask, *strokes):
    with MaskStore.open(mask) as store:
        for (row, column), index in strokes:
            store.paint(Stroke([(row, column), (row + 30, column)], 20, index))


CORRECTIONS = (
    ((60, 380), PALE),
    ((240, 420), PALE),
    ((420, 360), PALE),
    ((100, 90), DARK),
    ((300, 60), DARK),
    ((430, 150), DARK),
)


# ---- What counts


def test_tokens_are_what_most_of_them_is(mask, planned):
    paint(mask, ((60, 380), PALE))
    plan = planned()
    with MaskOnTokens(mask, plan.tokens, (SIZE, SIZE)) as on_tokens:
        corrected, by_model = on_tokens.find_tiles()
        told = on_tokens.labels((2, 12))  # rows 64 to 95, columns 384 to 415
        assert on_tokens.started_from == "all dark"
        assert on_tokens.state()[0] == 2  # the base, and the stroke
    assert (2, 12) in corrected
    assert len(corrected | by_model) == 256
    with MaskStore.open(mask, read_only=True) as store:
        box = Box(64, 384, 32, 32)
        blocks = store.origin(box).reshape(4, 8, 4, 8).swapaxes(1, 2)
    wanted = (blocks == Origin.HUMAN).mean((2, 3)) >= 0.5
    np.testing.assert_array_equal(told.is_corrected, wanted)
    np.testing.assert_array_equal(told.labels, np.where(wanted, PALE, DARK))
    np.testing.assert_array_equal(told.proposed[wanted], DARK)


def test_what_was_erased_and_what_nobody_touched_does_not_count(mask, planned):
    paint(mask, *CORRECTIONS[:1])
    with MaskStore.open(mask) as store:
        store.paint(Stroke([(300, 300)], 60, 0))
    plan = planned()
    with MaskOnTokens(mask, plan.tokens, (SIZE, SIZE)) as on_tokens:
        told = on_tokens.labels((9, 9))
    assert not told.labels.any()
    assert not told.is_corrected.any()


def test_a_coarse_mask_is_read_as_well(folder, planned):
    path = paths.mask_path(folder, "nests")
    path.parent.mkdir(parents=True)
    with MaskStore.create(path, (32, 32), 8.0, downsample=16) as store:
        store.paint(Stroke([(8, 24)], 3, PALE))
        store.paint(Stroke([(24, 8)], 3, DARK))
    with MaskOnTokens(path, planned().tokens, (SIZE, SIZE)) as on_tokens:
        assert on_tokens.started_from == ""
        told = on_tokens.labels((4, 12))
    assert (told.labels == PALE).all()
    assert told.is_corrected.all()


# ---- Plans and refusals


def test_a_plan_says_what_it_costs_and_writes_nothing(mask, planned, folder):
    paint(mask, *CORRECTIONS)
    plan = planned(view_px0=Box(0, 256, 128, 128), extent="view")
    assert set(plan.tokens.tiles_ij) == {(r, c) for r in range(4) for c in range(8, 12)}
    assert plan.missing == 256
    assert plan.name == "learned from nests 1"
    assert "256 tiles" in summarise_learning(plan)
    assert not (folder / "embeddings").exists()


def test_without_model_pixels_only_corrected_tiles_are_learned_from(mask, planned):
    paint(mask, *CORRECTIONS[:1])
    assert planned(model_weight=0.0).by_model == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mask": "nets"}, "there is no mask 'nets' on this slide .there are nests."),
        ({"model_weight": 1.5}, "count 0 to 1"),
        ({"strength": 0.0}, "strength is above 0"),
    ],
)
def test_choices_that_make_no_sense(mask, planned, options, words):
    paint(mask, *CORRECTIONS)
    with pytest.raises(PlanError, match=words):
        planned(**options)


def test_nothing_corrected_yet(mask, planned):
    with pytest.raises(PlanError, match="nothing has been corrected or accepted"):
        planned()


def test_one_class_only(mask, planned, slide):
    paint(mask, ((60, 100), DARK))
    with pytest.raises(PlanError, match="correct at least two classes"):
        list(learn(slide.source, planned()))


def test_a_mask_of_another_slide(mask, weights, tmp_path):
    paint(mask, *CORRECTIONS)
    other = ArraySlide(np.zeros((300, 512, 3), np.uint8), mpp_yx=(0.5, 0.5), name="o")
    choice = LearnChoice(mask="nests", weights=weights, workspace=tmp_path)
    with pytest.raises(PlanError, match="covers 512 x 512 px"):
        resolve_learning(choice, gather(choice, other), mask.parent.parent)


def test_tokens_of_an_earlier_content_of_the_slide(mask, planned, slide):
    paint(mask, *CORRECTIONS)
    list(learn(slide.source, planned()))
    plan = planned()
    changed = replace(plan.tokens, slide_fingerprint="another")
    with pytest.raises(StoreError, match="earlier content of it"):
        list(learn(slide.source, replace(plan, tokens=changed)))


def test_a_model_without_tokens(mask, planned):
    from napari_histossl.errors import ModelError
    from napari_histossl.resources import sample_file

    paint(mask, *CORRECTIONS)
    with pytest.raises(ModelError, match="residual network"):
        planned(weights=sample_file("simclr_sample.safetensors"))


# ---- Learning


def test_what_is_learned_is_proposed_and_can_be_taken(mask, planned, slide, folder):
    paint(mask, *CORRECTIONS)
    plan = planned()
    with MaskStore.open(mask):  # it may be open for correcting meanwhile
        steps = list(learn(slide.source, plan))
    assert steps[-1].done == steps[-1].total
    assert any(step.box is not None for step in steps)
    titles = [shown.title for shown in list_shown(folder) if shown.as_labels]
    assert titles == ["all dark", "learned from nests 1"]
    labels = ClassProposal.open(LabelChoice(plan.out), 1.0)
    said = labels.read(Box(0, 0, SIZE, SIZE))
    assert (said[:, : SIZE // 2 - 40] == DARK).mean() > 0.9
    assert (said[:, SIZE // 2 + 40 :] == PALE).mean() > 0.9
    assert list_learned(folder) == [plan.out]
    assert head_of(plan.out) == plan.head


def test_a_proposal_says_where_it_is_from(mask, planned, slide):
    paint(mask, *CORRECTIONS)
    plan = planned()
    list(learn(slide.source, plan))
    with MaskOnTokens(mask, plan.tokens, (SIZE, SIZE)) as on_tokens:
        entries, journal = on_tokens.state()
    with Pyramid.open(plan.out) as overlay:
        told = overlay.provenance
    head = told["parameters"]["head"]
    assert (head["mask"], head["journal_entries"]) == ("nests", entries)
    assert head["journal_sha256"] == journal
    assert told["weights_sha256"] == plan.tokens.weights_sha256
    assert head["sha256"] == load_head(plan.head).facts["sha256"]
    assert told["slide"]["fingerprint"] == slide.source.fingerprint


def test_before_and_after_on_held_out_places(mask, planned, slide):
    paint(mask, *CORRECTIONS)
    plan = planned()
    list(learn(slide.source, plan))
    report = read_report(plan.head)
    dark, pale = report.rows()
    assert (dark.info.index, pale.info.index) == (DARK, PALE)
    assert dark.before == pytest.approx(0.5, abs=0.1)
    assert pale.before == 0
    assert min(dark.after, pale.after) > 0.8
    assert pale.corrected_mm2 == pytest.approx(3 * (1256 + 1200) * 0.25e-6, rel=0.1)
    assert "all dark" in report.measured
    assert "0.00 ->" in pale.text
    assert mean_of([dark, pale])[0] == pytest.approx(dark.before / 2)


def test_without_an_overlay_there_is_no_before(slide, folder, planned):
    plan = resolve(MaskChoice(name="nests"), slide, folder)
    list(start_mask(plan))
    paint(plan.path, *CORRECTIONS)
    made = planned()
    list(learn(slide.source, made))
    report = read_report(made.head)
    assert all(math.isnan(row.before) for row in report.rows())
    assert [round(row.after, 1) for row in report.rows()] == [1.0, 1.0]
    assert "before is not known" in report.measured


def test_corrections_in_one_place_are_not_measured(mask, planned, slide):
    paint(mask, ((60, 230), DARK), ((60, 280), PALE))
    plan = planned()
    list(learn(slide.source, plan))
    assert "in several places" in read_report(plan.head).measured


def test_the_next_round_computes_no_token_and_has_a_name_of_its_own(
    mask, planned, slide, folder
):
    paint(mask, *CORRECTIONS[:4])
    list(learn(slide.source, planned()))
    paint(mask, *CORRECTIONS[4:])
    plan = planned()
    assert (plan.missing, plan.name) == (0, "learned from nests 2")
    list(learn(slide.source, plan))
    assert len(list_learned(folder)) == 2


def test_the_view_first_and_the_whole_slide_after_it(mask, planned, slide):
    paint(mask, *CORRECTIONS)
    view = planned(view_px0=Box(0, 256, 128, 128), extent="view")
    list(learn(slide.source, view))
    first = ClassProposal.open(LabelChoice(view.out), 1.0)
    assert first.is_computed(Box(0, 260, 100, 100)).all()
    assert not first.is_computed(Box(300, 0, 100, 100)).any()
    date = first.overlay.provenance["date"]
    list(learn(slide.source, planned(name=view.name)))
    whole = ClassProposal.open(LabelChoice(view.out), 1.0)
    assert whole.is_computed(Box(0, 0, SIZE, SIZE)).all()
    assert whole.overlay.provenance["date"] == date  # gone on with, not made anew


def test_a_run_that_was_stopped_goes_on_with_its_tokens(mask, planned, slide):
    paint(mask, *CORRECTIONS)
    plan, orders = planned(), Orders()
    for step in learn(slide.source, plan, orders=orders):
        if step.done >= 100:
            orders.give(Order("stop"))
    assert not plan.head.exists()
    again = planned()
    assert 0 < again.missing < 200
    list(learn(slide.source, again))
    assert again.out.exists()
