"""Means over readers and cases: golden numbers, layouts, clusters, refusals."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind

from napari_histossl.errors import StudyError
from napari_histossl.study._covariances import compute_figures
from napari_histossl.study._ratings import tabulate
from napari_histossl.study.statistics import obuchowski_rockette, tost

DATA = Path(__file__).parents[1] / "data"
GOLDEN = json.loads((DATA / "mrmc.json").read_text())


def _golden_columns(*conditions):
    with (DATA / "mrmc.csv").open() as source:
        rows = [row for row in csv.DictReader(source) if row["condition"] in conditions]
    return {
        "ratings": [int(row["rating"]) for row in rows],
        "truth": [int(row["synthetic"]) for row in rows],
        "readers": [row["reader"] for row in rows],
        "cases": [row["case"] for row in rows],
        "condition": [row["condition"] for row in rows],
    }


def long_form(ratings, truth, **columns):
    """Return columns for an array of readers by cases."""
    readers, cases = np.indices(ratings.shape)
    return {
        "ratings": ratings.ravel(),
        "truth": np.broadcast_to(truth, ratings.shape).ravel(),
        "readers": readers.ravel(),
        "cases": cases.ravel(),
    } | columns


def join(*columns):
    """Return columns of several tables under one another."""
    return {name: np.concatenate([of[name] for of in columns]) for name in columns[0]}


def draw(rng, readers=4, cases=30, separation=0.5):
    truth = np.arange(cases) % 2 == 1
    return rng.normal(size=(readers, cases)) + separation * truth, truth


@pytest.mark.parametrize("condition", ["condition1", "condition2"])
def test_golden_numbers_of_one_condition(condition):
    golden = GOLDEN["one_condition"][condition]
    found = obuchowski_rockette(**_golden_columns(condition))
    assert found.estimate == pytest.approx(golden["auc"], rel=1e-6)
    assert found.msr == pytest.approx(golden["msr"], rel=1e-6)
    assert found.cov2 == pytest.approx(golden["cov2"], rel=1e-6)
    assert found.standard_error == pytest.approx(golden["se"], rel=1e-6)
    assert found.df == pytest.approx(golden["df"], rel=1e-6)
    assert found.confidence_interval == pytest.approx(golden["ci95"], rel=1e-6)
    test, of_test = tost(found, margin=0.1), golden["tost_margin_0_10"]
    assert test.p_lower == pytest.approx(of_test["p_lower"], rel=1e-6)
    assert test.p_upper == pytest.approx(of_test["p_upper"], rel=1e-6)
    assert test.p == pytest.approx(of_test["p"], rel=1e-6)
    assert not test.is_equivalent


def test_golden_numbers_of_two_conditions():
    golden = GOLDEN["two_conditions"]
    found = obuchowski_rockette(**_golden_columns("condition1", "condition2"))
    assert found.layout == "factorial"
    assert found.mst == pytest.approx(golden["mst"], rel=1e-6)
    assert found.ms_error == pytest.approx(golden["mstr"], rel=1e-6)
    assert found.cov1 == pytest.approx(golden["cov1"], rel=1e-6)
    assert found.cov2 == pytest.approx(golden["cov2"], rel=1e-6)
    assert found.cov3 == pytest.approx(golden["cov3"], rel=1e-6)
    assert found.f == pytest.approx(golden["f"], rel=1e-6)
    assert found.df == pytest.approx(golden["df2"], rel=1e-6)
    assert found.estimate == pytest.approx(golden["difference"], rel=1e-6)
    assert found.standard_error == pytest.approx(golden["se"], rel=1e-6)
    assert found.p_value == pytest.approx(golden["p"], rel=1e-6)
    assert found.p_against(0) == pytest.approx(golden["p"], rel=1e-6)


def test_accuracy_covaries_as_right_answers_do():
    rng = np.random.default_rng(1)
    ratings, truth = draw(rng)
    said = (ratings > 0.2).astype(int)
    table = tabulate(**long_form(said, truth))
    found = compute_figures(table, "accuracy")
    right = said == truth
    assert found.values == pytest.approx(right.mean(axis=1))
    assert found.covariance == pytest.approx(np.cov(right) / right.shape[1])
    balanced = compute_figures(table, "balanced_accuracy")
    wanted = sum(np.cov(right[:, of]) / of.sum() for of in (truth, ~truth)) / 4
    assert balanced.covariance == pytest.approx(wanted)


def test_a_scale_of_six_and_yes_or_no_are_the_same_answers():
    rng = np.random.default_rng(2)
    scale = rng.integers(1, 7, (3, 40))
    truth = np.arange(40) % 2 == 0
    of_scale = obuchowski_rockette(**long_form(scale, truth), figure="accuracy")
    answers = long_form((scale >= 4).astype(int), truth)
    of_answers = obuchowski_rockette(**answers, figure="accuracy")
    assert of_scale == of_answers
    with pytest.raises(StudyError, match="scale 1 to 6"):
        obuchowski_rockette(**long_form(scale * 20, truth), figure="accuracy")


def test_delong_covariance_is_the_jackknife_of_the_auc_nearly():
    rng = np.random.default_rng(3)
    ratings, truth = draw(rng, readers=3, cases=400)
    columns = long_form(ratings, truth)
    delong = compute_figures(tabulate(**columns), "auc").covariance
    left_out = []
    for case in range(400):
        kept = np.delete(np.arange(400), case)
        table = tabulate(**long_form(ratings[:, kept], truth[kept]))
        left_out.append(compute_figures(table, "auc").values)
    jackknife = np.cov(np.array(left_out).T, ddof=0) * 399
    assert delong == pytest.approx(jackknife, rel=0.02)


def test_order_and_names_do_not_matter():
    columns = _golden_columns("condition1", "condition2")
    shuffled = np.random.default_rng(4).permutation(len(columns["cases"]))
    other = {name: np.array(column)[shuffled] for name, column in columns.items()}
    found, again = obuchowski_rockette(**columns), obuchowski_rockette(**other)
    assert abs(again.estimate) == pytest.approx(abs(found.estimate))
    assert again.standard_error == pytest.approx(found.standard_error)
    assert again.df == pytest.approx(found.df)


def test_clusters_of_one_change_nothing_and_copies_are_not_new_cases():
    rng = np.random.default_rng(5)
    ratings, truth = draw(rng)
    alone = obuchowski_rockette(**long_form(ratings, truth))
    columns = long_form(ratings, truth)
    single = obuchowski_rockette(**columns, clusters=columns["cases"] + 100)
    assert single == alone
    # Each picture three times: the same information, whatever the number of patches.
    columns = long_form(np.tile(ratings, 3), np.tile(truth, 3))
    copies = obuchowski_rockette(**columns, clusters=columns["cases"] % 30)
    assert copies.clusters == 30
    assert copies.estimate == pytest.approx(alone.estimate)
    assert copies.cov2 == pytest.approx(alone.cov2)
    ignored = obuchowski_rockette(**columns)
    assert ignored.cov2 == pytest.approx(alone.cov2 / 3, rel=0.1)


def test_clusters_of_both_classes_covary():
    """The cross term: slides easy in both classes cancel in the AUC."""
    rng = np.random.default_rng(6)
    truth = np.arange(120) % 2 == 1
    slide = np.arange(120) // 6
    ratings = rng.normal(size=(4, 120)) + 2 * rng.normal(size=20)[slide] + 0.5 * truth
    columns = long_form(ratings, truth)
    mixed = obuchowski_rockette(**columns, clusters=slide[columns["cases"]])
    by_class = slide[columns["cases"]] * 2 + columns["truth"]
    apart = obuchowski_rockette(**columns, clusters=by_class)
    assert mixed.cov2 < 0.5 * apart.cov2


def _two_groups(rng, sizes, cases=40):
    truth = np.arange(cases) % 2 == 1
    tables = []
    for group, size in enumerate(sizes):
        ratings, _ = draw(rng, size, cases)
        columns = long_form(ratings, truth, condition=np.full(size * cases, group))
        columns["readers"] = columns["readers"] + 100 * group
        tables.append(columns)
    return tables


def test_readers_nested_in_groups_of_equal_size():
    first, second = _two_groups(np.random.default_rng(7), (4, 4))
    found = obuchowski_rockette(**join(first, second))
    one, two = (
        obuchowski_rockette(**{k: v for k, v in of.items() if k != "condition"})
        for of in (first, second)
    )
    assert found.layout == "readers nested"
    assert found.estimate == pytest.approx(one.estimate - two.estimate)
    assert np.isnan(found.cov1)
    # MST / (MS[R(T)] + R max(Cov2 - Cov3, 0)), as published
    error = (one.msr + two.msr) / 2
    noise = error + 4 * max((one.cov2 + two.cov2) / 2 - found.cov3, 0)
    assert found.f == pytest.approx(found.mst / noise)
    assert found.df == pytest.approx(noise**2 / (error**2 / 6))
    assert found.standard_error == pytest.approx(np.sqrt(2 / 4 * noise))


def test_readers_nested_in_groups_of_unequal_size_without_case_noise_is_welch():
    rng = np.random.default_rng(8)
    # All cases of a class alike for a reader: nothing but readers varies.
    truth = np.arange(40) % 2 == 1
    tables, means = [], []
    for group, size in enumerate((3, 6)):
        said = np.zeros((size, 40))
        for reader, wrong in enumerate(rng.permutation(10)[:size] + 2):
            right = np.roll(np.arange(40) >= wrong, rng.integers(40))
            said[reader] = np.where(right, truth, ~truth)
        columns = long_form(said, truth, condition=np.full(size * 40, group))
        columns["readers"] = columns["readers"] + 10 * group
        tables.append(columns)
        means.append((said == truth).mean(axis=1))
    found = obuchowski_rockette(**join(*tables), figure="accuracy")
    welch = ttest_ind(*means, equal_var=False)
    assert np.isnan(found.mst)
    if found.cov2 <= found.cov3:
        assert found.df == pytest.approx(welch.df)
        assert found.p_value == pytest.approx(welch.pvalue)
    else:
        assert found.df > welch.df
        assert found.p_value > welch.pvalue


def test_cases_nested_have_no_covariance_and_shared_ones_some():
    rng = np.random.default_rng(9)
    truth = np.arange(60) % 2 == 1
    effect = rng.normal(size=60)
    ratings = [rng.normal(size=(4, 60)) + effect + 0.5 * truth for _ in range(2)]

    def found(shift):
        """The second condition keeps the cases whose shift is 0."""
        tables = [
            long_form(of, truth, condition=np.full(240, i))
            for i, of in enumerate(ratings)
        ]
        tables[1]["cases"] = tables[1]["cases"] + shift[tables[1]["cases"]]
        return obuchowski_rockette(**join(*tables))

    same = found(np.zeros(60, int))
    real_shared = found(np.where(truth, 1000, 0))
    apart = found(np.full(60, 1000))
    assert same.layout == "factorial"
    assert real_shared.layout == apart.layout == "cases nested"
    assert same.cov3 > real_shared.cov3 > apart.cov3 == apart.cov1 == 0
    assert same.cov2 == pytest.approx(apart.cov2)
    assert same.standard_error < real_shared.standard_error < apart.standard_error


def test_shared_share_of_covariance_is_unbiased():
    """Half of the real pictures are shared: a quarter of both samples' means."""
    rng = np.random.default_rng(10)
    told, products = [], []
    for _ in range(400):
        truth = np.arange(24) % 2 == 1
        effect = rng.normal(size=36)
        tables = []
        for condition, cases in enumerate((np.arange(24), np.arange(24) + 12)):
            ratings = rng.normal(size=(2, 24)) + effect[cases]
            columns = long_form(ratings, truth, condition=np.full(48, condition))
            columns["cases"] = cases[columns["cases"]]
            tables.append(columns)
        found = compute_figures(tabulate(**join(*tables)), "auc")
        told.append(found.covariance[:2, 2:].mean())
        off_chance = found.values - 0.5
        products.append(np.outer(off_chance[:2], off_chance[2:]).mean())
    uncertain = np.std(products) / np.sqrt(len(products))
    assert np.mean(told) > 3 * uncertain
    assert np.mean(told) == pytest.approx(np.mean(products), abs=3 * uncertain)


def _constant(columns):
    columns["ratings"] = np.where(columns["readers"] == 1, 3, columns["ratings"])


def _short(columns):
    columns["truth"] = columns["truth"][1:]


def _twice(columns):
    for name in columns:
        columns[name] = np.append(columns[name], columns[name][0])


def _missing(columns):
    for name in columns:
        columns[name] = columns[name][1:]


def _one_reader(columns):
    for name in columns:
        columns[name] = columns[name][:30]


def _one_class(columns):
    columns["truth"] = np.ones_like(columns["truth"])


def _contradicting(columns):
    columns["truth"] = columns["truth"] ^ (np.arange(120) == 3)


def _not_a_number(columns):
    columns["ratings"][5] = np.nan


def _three_conditions(columns):
    columns["condition"] = columns["readers"] % 3


def _overlapping_readers(columns):
    twice = join(columns, columns)
    twice["condition"] = np.repeat([0, 1], 120)
    keep = ~((twice["readers"] == 0) & (twice["condition"] == 0))
    columns |= {name: column[keep] for name, column in twice.items()}


def _both_nested(columns):
    columns["condition"] = columns["readers"] // 2
    columns["cases"] = columns["cases"] + 1000 * columns["condition"]


def _perfect(columns):
    columns["ratings"] = columns["truth"] * 5.0


def _one_slide(columns):
    columns["clusters"] = columns["truth"].astype(int)


def _strange_truth(columns):
    columns["truth"] = columns["truth"] * 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_constant, "reader 1 gave the same answer to every picture"),
        (_short, "long form"),
        (_twice, "rated more than once"),
        (_missing, "has not rated 1 of the 30 cases"),
        (_one_reader, "one reader"),
        (_one_class, "both classes"),
        (_contradicting, "two classes"),
        (_not_a_number, "ratings are numbers"),
        (_three_conditions, "two conditions are compared"),
        (_overlapping_readers, "3 readers read under both"),
        (_both_nested, "readers and pictures both differ"),
        (_perfect, "no standard error"),
        (_one_slide, "one slide or patient"),
        (_strange_truth, "True for synthetic"),
    ],
)
def test_what_is_not_valid_is_said(spoil, message):
    columns = long_form(*draw(np.random.default_rng(11)))
    spoil(columns)
    with pytest.raises(StudyError, match=message):
        obuchowski_rockette(**columns)


def test_unknown_figure_and_identical_conditions():
    columns = long_form(*draw(np.random.default_rng(12)))
    with pytest.raises(StudyError, match="no figure of merit 'f1'"):
        obuchowski_rockette(**columns, figure="f1")
    twice = join(columns, columns)
    with pytest.raises(StudyError, match="no standard error"):
        obuchowski_rockette(**twice, condition=np.repeat(["a", "b"], 120))


def test_equivalence_needs_a_sensible_margin_and_middle():
    columns = _golden_columns("condition1", "condition2")
    found = obuchowski_rockette(**columns)
    with pytest.raises(StudyError, match="margin lies between"):
        tost(found, margin=0)
    with pytest.raises(StudyError, match="give chance=0"):
        tost(found)
    assert not tost(found, chance=0, margin=0.1).is_equivalent
    assert tost(found, chance=0, margin=0.4).is_equivalent


def test_equivalence_is_the_interval_within_the_margin():
    rng = np.random.default_rng(13)
    outcomes = []
    for separation in np.linspace(-0.5, 0.5, 21):
        found = obuchowski_rockette(**long_form(*draw(rng, 6, 200, separation)))
        test = tost(found)
        inside = test.interval.low > 0.4 and test.interval.high < 0.6
        assert test.is_equivalent == inside
        outcomes.append(inside)
    assert any(outcomes)
    assert not all(outcomes)
