import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn.metrics import roc_auc_score

from napari_histossl.errors import StudyError
from napari_histossl.study.statistics import (
    auc,
    clopper_pearson,
    d_prime,
    figures,
    ordinal,
    predictive_values,
)

DATA = Path(__file__).parents[1] / "data"
GOLDEN = json.loads((DATA / "mrmc.json").read_text())


def _ratings(condition, reader):
    with (DATA / "mrmc.csv").open() as source:
        rows = [
            row
            for row in csv.DictReader(source)
            if row["condition"] == condition and row["reader"] == reader
        ]
    return (
        np.array([int(row["synthetic"]) for row in rows], bool),
        np.array([int(row["rating"]) for row in rows]),
    )


def test_half_right_of_a_hundred():
    low, high = clopper_pearson(50, 100)
    assert (round(low, 4), round(high, 4)) == (0.3983, 0.6017)
    low, high = clopper_pearson(50, 100, level=0.90)
    assert (round(low, 4), round(high, 4)) == (0.4136, 0.5864)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 40), (40, 40), (3, 17)])
def test_interval_against_scipy(k, n):
    oracle = binomtest(k, n).proportion_ci(0.95, "exact")
    assert clopper_pearson(k, n) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_d_prime_of_the_worked_example():
    found = d_prime(40, 50, 15, 50)
    assert found.d_prime == pytest.approx(1.334, abs=5e-4)
    assert found.criterion == pytest.approx(-0.154, abs=5e-4)


def test_d_prime_is_finite_for_perfect_and_for_constant_answers():
    assert d_prime(10, 10, 0, 10).d_prime == pytest.approx(2 * norm.ppf(10.5 / 11))
    always = d_prime(10, 10, 10, 10)
    assert always.d_prime == 0
    assert always.criterion < 0


@pytest.mark.parametrize("reader", list(GOLDEN["per_reader_condition1"]))
def test_golden_figures_of_each_reader(reader):
    golden = GOLDEN["per_reader_condition1"][reader]
    truth, rating = _ratings("condition1", reader)
    said = rating >= 4
    found = figures(truth, said, np.where(said, rating - 3, 4 - rating))
    assert (found.accuracy.count, found.accuracy.trials) == (
        golden["correct"],
        golden["n"],
    )
    assert found.accuracy.interval == pytest.approx(golden["ci95"], rel=1e-6)
    assert found.sensitivity.value == pytest.approx(golden["sensitivity"], rel=1e-6)
    assert found.specificity.value == pytest.approx(golden["specificity"], rel=1e-6)
    assert found.detection.d_prime == pytest.approx(golden["d_prime"], rel=1e-6)
    assert found.detection.criterion == pytest.approx(golden["criterion_c"], rel=1e-6)


@pytest.mark.parametrize("condition", [1, 2])
def test_golden_auc_of_each_reader(condition):
    for number, golden in enumerate(GOLDEN["reader_auc"][condition - 1], start=1):
        truth, rating = _ratings(f"condition{condition}", f"reader{number}")
        assert auc(rating, truth) == pytest.approx(golden, rel=1e-6)


def test_auc_against_sklearn_with_many_ties():
    rng = np.random.default_rng(5)
    truth = rng.random(200) < 0.3
    ratings = rng.integers(1, 7, 200)
    assert auc(ratings, truth) == pytest.approx(roc_auc_score(truth, ratings))


def test_answers_on_one_scale():
    assert ordinal([0, 0, 0, 1, 1, 1], [3, 2, 1, 1, 2, 3]).tolist() == [
        1,
        2,
        3,
        4,
        5,
        6,
    ]


def test_what_cannot_be_told_is_none():
    nothing = figures([], [], [])
    assert nothing.accuracy is None
    assert nothing.auc is None
    only_real = figures([False, False], [True, False], [1, 3])
    assert only_real.accuracy.value == 0.5
    assert only_real.sensitivity is None
    assert only_real.specificity.value == 0.5
    assert only_real.detection is None


def test_predictive_values_at_a_prevalence():
    found = figures([True] * 10 + [False] * 10, [True] * 8 + [False] * 12, [1] * 20)
    positive, negative = predictive_values(found, 0.1)
    assert positive == pytest.approx(1.0)
    assert negative == pytest.approx(0.9 / (0.9 + 0.02))
    always = figures([True, False], [True, True], [1, 1])
    assert predictive_values(always, 0.1) == (pytest.approx(0.1), None)
    assert predictive_values(figures([True], [True], [1]), 0.1) == (None, None)
    with pytest.raises(StudyError, match="prevalence"):
        predictive_values(found, 10)


@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (clopper_pearson, (1, 0)),
        (clopper_pearson, (3, 2)),
        (clopper_pearson, (1, 2, 95)),
        (d_prime, (1, 0, 0, 4)),
        (d_prime, (5, 4, 0, 4)),
        (auc, ([1, 2], [True, True])),
    ],
)
def test_impossible_numbers_are_refused(function, numbers):
    with pytest.raises(StudyError, match="needs"):
        function(*numbers)
