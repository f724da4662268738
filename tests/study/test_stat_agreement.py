"""Agreement, confidence, drift and time, against published numbers and oracles."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import linregress
from sklearn.metrics import brier_score_loss, cohen_kappa_score

from napari_histossl.errors import StudyError
from napari_histossl.study.agreement import (
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
)
from napari_histossl.study.calibration import STATED, calibrate
from napari_histossl.study.course import drift, mean_of_readers, summarise_times
from napari_histossl.study.fooling import holm
from napari_histossl.study.statistics import wilson

DATA = Path(__file__).parents[1] / "data"
GAP = np.nan

KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, GAP, GAP, GAP],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, GAP, 3],
        [GAP, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, GAP],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, GAP],
    ]
)
"""The worked example of "Computing Krippendorff's alpha-reliability" (2011)."""

FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1], [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip
"""Ten cases, 14 readers, five answers: the widely printed example, kappa 0.210."""


def _golden_ratings():
    with (DATA / "mrmc.csv").open() as source:
        rows = [r for r in csv.DictReader(source) if r["condition"] == "condition1"]
    return np.array([int(row["rating"]) for row in rows]).reshape(5, 80)


def test_golden_fleiss_kappa():
    golden = json.loads((DATA / "mrmc.json").read_text())["fleiss_kappa_condition1"]
    found = fleiss_kappa(_golden_ratings() >= 4)
    assert found.value == pytest.approx(golden, rel=1e-6)
    assert found.interval.low < found.value < found.interval.high


def test_printed_example_of_fleiss():
    answers = np.array([np.repeat(np.arange(5), counts) for counts in FLEISS]).T
    assert fleiss_kappa(answers).value == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize(
    ("scale", "printed"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_printed_example_of_krippendorff(scale, printed):
    found = krippendorff_alpha(KRIPPENDORFF, scale)
    assert found.value == pytest.approx(printed, abs=6e-4)


def test_printed_example_of_gwet_where_kappa_collapses():
    first = [1] * 118 + [1] * 5 + [2] * 2
    second = [1] * 118 + [2] * 5 + [1] * 2
    assert gwet_ac1([first, second]).value == pytest.approx(0.9408, abs=5e-5)
    assert cohen_kappa(first, second).value == pytest.approx(-0.0234, abs=5e-5)


@pytest.mark.parametrize("weights", [None, "quadratic"])
def test_cohen_against_sklearn(weights):
    rng = np.random.default_rng(1)
    first = rng.integers(1, 7, 60)
    second = np.clip(first + rng.integers(-2, 3, 60), 1, 6)
    oracle = cohen_kappa_score(first, second, weights=weights)
    assert cohen_kappa(first, second, weights).value == pytest.approx(oracle)


def test_guessing_agrees_by_chance_and_copying_fully():
    rng = np.random.default_rng(2)
    guesses = rng.integers(0, 2, (6, 400))
    found = fleiss_kappa(guesses)
    assert found.interval.low < 0 < found.interval.high
    copies = np.tile(guesses[0], (3, 1))
    assert fleiss_kappa(copies).value == 1
    assert gwet_ac1(copies).value == 1
    assert krippendorff_alpha(copies.astype(float)).value == 1


def test_interval_covers_as_often_as_it_says():
    """Two readers who agree on 70 % of balanced answers: kappa 0.4."""
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(60):
        first = rng.integers(0, 2, 100)
        second = np.where(rng.random(100) < 0.7, first, 1 - first)
        low, high = cohen_kappa(first, second).interval
        covered += low <= 0.4 <= high
    assert 0.85 <= covered / 60 <= 1


def test_one_answer_has_no_agreement_beyond_chance():
    same = np.ones((3, 20))
    for function in (fleiss_kappa, gwet_ac1, krippendorff_alpha):
        with pytest.raises(StudyError, match="all answers are the same"):
            function(same)
    with pytest.raises(StudyError, match="at least two readers"):
        fleiss_kappa(np.arange(20)[None])
    # One answer that differs: most bootstrap samples do not hold it.
    rare = np.ones((2, 20))
    rare[0, 0] = 2
    assert cohen_kappa(*rare).interval is None


def test_confidence_against_sklearn():
    rng = np.random.default_rng(4)
    confidence = rng.integers(1, 4, 300)
    correct = rng.random(300) < 0.4 + 0.15 * confidence
    found = calibrate(confidence, correct)
    stated = [STATED[level] for level in confidence]
    assert found.brier == pytest.approx(brier_score_loss(correct, stated))
    assert sum(share.trials for share in found.right.values()) == 300
    assert found.right[3].value > found.right[1].value
    assert found.type_two_auc > 0.5
    assert calibrate([1, 2], [True, True]).type_two_auc is None


def test_drift_is_the_slope_per_hundred_pictures():
    rng = np.random.default_rng(5)
    place = np.arange(1, 201)
    correct = rng.random(200) < 0.8 - 0.002 * place
    oracle = linregress(place, correct.astype(float)).slope * 100
    assert drift(place, correct) == pytest.approx(oracle)
    assert drift([1, 2], [True, False]) is None


def test_mean_of_readers_needs_three_for_an_interval():
    assert mean_of_readers([0.1, 0.2]).interval is None
    assert not mean_of_readers([0.1, 0.2]).differs_from_zero
    found = mean_of_readers([0.10, 0.12, 0.11, 0.13])
    assert found.mean == pytest.approx(0.115)
    assert found.differs_from_zero


def test_times_of_right_and_wrong_answers():
    found = summarise_times([100, 200, 300, 900], [True, True, True, False])
    assert found.all.median == 250
    assert found.right.median == 200
    assert found.wrong == (900, 900, 900)
    assert summarise_times([5], [True]).wrong is None


def test_holm_keeps_the_order_and_never_exceeds_one():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_wilson_is_printed_as_elsewhere():
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=5e-5)
    assert wilson(50, 100) == pytest.approx((0.4038, 0.5962), abs=5e-5)
    with pytest.raises(StudyError):
        wilson(2, 1)
