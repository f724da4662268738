"""Segmentation of a slide: against a plain and slow one, window by window."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from napari_histossl.errors import PlanError, StoreError  # noqa: E402
from napari_histossl.models import (  # noqa: E402
    examine_weights,
    load_model,
    save_weights,
)
from napari_histossl.models.pseudo_masks import find_background  # noqa: E402
from napari_histossl.overlays import run  # noqa: E402
from napari_histossl.overlays.calibrate import calibrate  # noqa: E402
from napari_histossl.overlays.segmentation import SegmentationPredictor  # noqa: E402
from napari_histossl.panels import SlideFacts  # noqa: E402
from napari_histossl.panels.segmentation import (  # noqa: E402
    SegmentationChoice,
    resolve_segmentation,
    summarise_segmentation,
)
from napari_histossl.slide import ArraySlide, virtual_levels  # noqa: E402
from napari_histossl.store import Pyramid  # noqa: E402

WINDOW = 32


@pytest.fixture
def slide(picture):
    """Drawn noise over 72 x 90 px, white in a corner."""
    picture = picture[:72, :90].copy()
    picture[50:, 60:] = 255
    return ArraySlide(picture, mpp_yx=(0.5, 0.5), name="few")


@pytest.fixture
def make(slide, tiny_segmenter, tiny_classifier, tmp_path):
    """Plan a segmentation; options are those of `SegmentationChoice`."""

    def plan(is_tissue=None, weights=tiny_segmenter, **options):
        defaults = {"workspace": tmp_path, "name": "s", "batch": 3}
        choice = SegmentationChoice(
            **{**defaults, "classifier": tiny_classifier, "overlap": 0.5, **options}
        )
        facts = SlideFacts(
            slide.source,
            virtual_levels(slide),
            slide.mpp_yx,
            is_tissue,
            1.0,
            examine_weights(weights),
        )
        return resolve_segmentation(choice, facts)

    return plan


def _maps(plan):
    with Pyramid.open(plan.out) as pyramid:
        return pyramid.read(pyramid.levels[0].box)


def _labels(plan):
    with Pyramid.open(dict(plan.options)["labels"]) as pyramid:
        return pyramid.read(pyramid.levels[0].box)


def _softmax(logits):
    raised = np.exp(logits - logits.max(0))
    return raised / raised.sum(0)


def _slowly(slide, segmenter, classifier, step, *, epsilon, recipe, pixel):
    """Segment with loops: softmax, gate, one sum, mean of a block, weighted mean."""
    height, width = slide.levels[0].shape
    rows, columns = -(-height // pixel), -(-width // pixel)
    total, weights = np.zeros((4, rows, columns)), np.zeros((rows, columns))
    padded = np.full((height + WINDOW, width + WINDOW, 3), 255, np.uint8)
    padded[:height, :width] = slide.read(slide.levels[0].box, 0)
    edge, shared = WINDOW // pixel, (WINDOW - step) // pixel
    for top in range(0, max(height - WINDOW + step, 1), step):
        for left in range(0, max(width - WINDOW + step, 1), step):
            pixels = padded[top : top + WINDOW, left : left + WINDOW]
            images = torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]
            with torch.inference_mode():
                logits = segmenter(images)[0].double().numpy()
                told = classifier(images)[0].sigmoid().numpy()
            passes = told > epsilon if (told > epsilon).any() else told > -1
            if recipe == "published":
                probabilities = _softmax(logits * passes[:, None, None])
            else:
                probabilities = _softmax(logits) * passes[:, None, None]
                probabilities /= probabilities.sum(0)
            values = np.concatenate([probabilities, find_background(pixels)[None]])
            values = values.reshape(4, edge, pixel, edge, pixel).mean((2, 4))
            for y in range(edge):
                for x in range(edge):
                    row, column = top // pixel + y, left // pixel + x
                    if row < rows and column < columns:
                        weight = 1.0
                        for place in (y, x):
                            weight *= min(place, edge - 1 - place, shared) + 1
                        total[:, row, column] += weight * values[:, y, x]
                        weights[row, column] += weight
    return total / weights


@pytest.mark.parametrize(
    ("recipe", "pixel", "overlap", "step"),
    [("paper", 4, 0.5, 16), ("published", 2, 0.25, 24), ("paper", 1, 0.0, 32)],
)
def test_what_a_plain_and_slow_one_gives(
    slide, make, tiny_segmenter, tiny_classifier, recipe, pixel, overlap, step
):
    plan = make(recipe=recipe, pixel_px=pixel, overlap=overlap, epsilon=0.45)
    assert plan.step_px == step
    list(run(slide.source, plan))
    networks = [load_model(path)[0] for path in (tiny_segmenter, tiny_classifier)]
    expected = _slowly(slide, *networks, step, epsilon=0.45, recipe=recipe, pixel=pixel)
    found = _maps(plan)
    np.testing.assert_allclose(found, expected, atol=2e-3)  # half precision
    np.testing.assert_allclose(found[:3].sum(0), 1, atol=4e-3)  # no averaged zero
    labels = np.where(expected[3] > 0.5, 0, 1 + expected[:3].argmax(0))
    assert (_labels(plan) == labels).mean() > 0.995
    assert (labels == 0).any()


def _probabilities(model, value):
    """Make a network give the same logits whatever it sees."""
    for parameter in model.parameters():
        parameter.data.zero_()
    last = model.decoder.last_conv[8]
    last.bias.data.copy_(torch.tensor(value))
    return model


def test_a_constant_model_gives_a_constant_picture(
    slide, make, tiny_segmenter, tmp_path
):
    model, spec = load_model(tiny_segmenter)
    path = tmp_path / "constant.safetensors"
    save_weights(_probabilities(model, [0.3, 1.4, -0.2]), spec, path)
    plan = make(weights=path, overlap=0.75, gate=False)
    list(run(slide.source, plan))
    expected = _softmax(np.array([0.3, 1.4, -0.2], np.float32)).astype(np.float16)
    maps = _maps(plan)
    for channel in range(3):  # not nearly: seams would be seen in the last digit
        assert (maps[channel] == maps[channel, 0, 0]).all()
    np.testing.assert_allclose(maps[:3, 0, 0], expected, atol=1e-3)


def test_no_seam_is_seen_where_windows_meet(slide, make, tiny_segmenter):
    """Steps across the borders of windows are like those within them."""

    def roughness(overlap):
        plan = make(overlap=overlap, pixel_px=1, gate=False, name=f"o{overlap}")
        list(run(slide.source, plan))
        steps = np.abs(np.diff(_maps(plan)[:3, :48, :56].astype(float), axis=2))
        at_border = steps[:, :, [31]].mean()
        return at_border / np.delete(steps, 31, 2).mean()

    blended, cut = roughness(0.5), roughness(0.0)
    assert cut > 2
    assert blended < 1.3


def test_a_gated_class_is_absent_in_its_window_alone(slide, make, monkeypatch):
    """Side by side, without overlap: two of three classes are gated in one window."""
    plan = make(overlap=0.0, recipe="paper", pixel_px=4, epsilon=0.5)
    told = {(0, 1): [0.9, 0.1, 0.5]}

    def classify(images):
        rows = [told.get(tile, [0.9, 0.9, 0.9]) for tile in reading.tiles]
        return torch.tensor(rows).logit()

    reading = SimpleNamespace(tiles=[])
    read = SegmentationPredictor.read
    with SegmentationPredictor(slide.source, plan) as predictor:
        predictor._classifier = classify
        for tile in plan.tiles_ij:
            reading.tiles = [tile]
            (values,) = predictor.compute(read(predictor, [tile]))
            is_gated = tile == (0, 1)
            assert (values[0, 1:3] == 0).all() == is_gated
            assert (values[0, 1:3] > 0).all() != is_gated
            np.testing.assert_allclose(values[0, :3].sum(0), 1, atol=1e-6)


def test_where_no_class_passes_the_gate_stays_open(slide, make):
    plan = make(epsilon=0.999, overlap=0.0)
    with SegmentationPredictor(slide.source, plan) as predictor:
        predictor._classifier = lambda images: torch.full((len(images), 3), -9.0)
        (values,) = predictor.compute(predictor.read([(0, 0)]))
    assert (values[0, :3] > 0).all()
    np.testing.assert_allclose(values[0, :3].sum(0), 1, atol=1e-6)


def test_what_is_not_computed_is_no_zero(slide, make):
    """Windows beside those that are left out keep their full probabilities."""
    is_tissue = np.zeros((72, 90), bool)
    is_tissue[:40, :40] = True
    plan = make(is_tissue=is_tissue, overlap=0.5, gate=False)
    list(run(slide.source, plan))
    maps = _maps(plan)
    computed = np.isfinite(maps[0])
    assert 0 < computed.sum() < computed.size
    np.testing.assert_allclose(maps[:3].sum(0)[computed], 1, atol=4e-3)
    assert not _labels(plan)[~computed].any()


def test_what_is_written_down(slide, make, tiny_segmenter, tiny_classifier):
    plan = make(epsilon=0.2, recipe="published")
    assert "3 classes" in summarise_segmentation(plan)
    assert "classifier.safetensors gives at most 0.2" in plan.notes[0]
    list(run(slide.source, plan))
    with (
        Pyramid.open(plan.out) as maps,
        Pyramid.open(dict(plan.options)["labels"]) as labels,
    ):
        for said in (maps.provenance, labels.provenance):
            told = said["parameters"]
            assert said["weights_sha256"] == examine_weights(tiny_segmenter).sha256
            gate = examine_weights(tiny_classifier).sha256
            assert told["classifier_sha256"] == gate
            assert (told["recipe"], told["epsilon"]) == ("published", 0.2)
            assert said["slide"]["fingerprint"] == slide.source.fingerprint
        assert labels.is_label
        assert labels.classes == plan.spec.classes
        assert labels.levels[0].shape == maps.levels[0].shape
        assert maps.channel_names[-1] == "background"


def test_stopped_and_begun_again_it_ends_in_the_same(slide, make, tmp_path):
    plan = make(batch=1)
    work = run(slide.source, plan)
    for progress in work:
        if progress.done >= 3:
            break
    work.close()
    done = [progress.done for progress in run(slide.source, plan)]
    assert 3 <= done[0] < len(plan.tiles_ij)
    whole = make(batch=1, workspace=tmp_path / "whole")
    list(run(slide.source, whole))
    np.testing.assert_array_equal(_maps(plan), _maps(whole))
    np.testing.assert_array_equal(_labels(plan), _labels(whole))
    with pytest.raises(StoreError, match="another epsilon"):
        list(run(slide.source, make(epsilon=0.3)))


@pytest.mark.parametrize(("mpp", "pixel"), [(0.25, 4), (0.5, 4), (1.0, 2), (2.0, 1)])
def test_what_is_stored_is_at_most_two_micrometres(
    make, tiny_segmenter, tmp_path, mpp, pixel
):
    path = _resaved(tiny_segmenter, tmp_path / "scaled.safetensors", mpp=mpp)
    assert make(weights=path, gate=False).spec.token_px == pixel


# ---- Bad input


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epsilon": -0.1}, "from 0 to below 1; got -0.1"),
        ({"pixel_px": 3}, "divide a window of 32 px; got 3 px"),
        ({"recipe": "mine"}, "paper or published; got 'mine'"),
        ({"overlap": 0.9}, "overlap by a share of 0 to 0.75; got 0.9"),
    ],
)
def test_choices_that_cannot_be(make, options, said):
    with pytest.raises(PlanError, match=said):
        make(**options)


def test_weights_of_another_kind(make, tiny_weights, tiny_segmenter, tiny_classifier):
    with pytest.raises(PlanError, match="vit, which is no segmenter; choose weights"):
        make(weights=tiny_weights)
    with pytest.raises(PlanError, match="resnet38, which is no segmenter"):
        make(weights=tiny_classifier)
    with pytest.raises(PlanError, match="deeplabv3plus, which is no classifier"):
        make(classifier=tiny_segmenter)


def _resaved(path, out, **changes):
    model, spec = load_model(path)
    save_weights(model, replace(spec, **changes), out)
    return out


def test_a_segmenter_and_a_classifier_of_different_classes(
    make, tiny_classifier, tmp_path
):
    from napari_histossl.classes import ClassInfo, ClassTable

    names = ["tumour", "lymphocytes", "stroma"]  # the same, in another order
    other = ClassTable([ClassInfo(i, n, (i, i, i)) for i, n in enumerate(names, 1)])
    path = _resaved(tiny_classifier, tmp_path / "other.safetensors", classes=other)
    with pytest.raises(PlanError, match=r"tumour, stroma.*tumour, lymphocytes.*same"):
        make(classifier=path)
    make(classifier=path, gate=False)


def test_a_classifier_of_another_scale(make, tiny_classifier, tmp_path):
    path = _resaved(tiny_classifier, tmp_path / "coarse.safetensors", mpp=1.0)
    with pytest.raises(PlanError, match=r"reads 0\.5 um/px .* classifier 1\.0 um/px"):
        make(classifier=path)


def test_classifier_weights_that_change_after_the_plan(
    slide, make, tiny_classifier, tmp_path
):
    from napari_histossl.errors import WeightsError

    path = _resaved(tiny_classifier, tmp_path / "mine.safetensors")
    plan = make(classifier=path)
    model, spec = load_model(tiny_classifier)
    model.fc8.weight.data.mul_(2)
    save_weights(model, spec, path)
    with pytest.raises(WeightsError, match="has changed since the run was planned"):
        list(run(slide.source, plan))


def test_its_time_is_measured_on_what_it_would_read(slide, make):
    plan = make()
    with SegmentationPredictor(slide.source, plan) as predictor:
        drawn, read = predictor.drawn(2), predictor.read(plan.tiles_ij[:2])
    for one in ("pixels", "background"):
        made, there = getattr(drawn, one), getattr(read, one)
        assert (made.shape, made.dtype) == (there.shape, there.dtype)
    found = calibrate(slide.source, plan)
    assert 0 < found.tile_s < 5
    assert found.device == "CPU, 1 thread"
