"""Power by simulation: the fast way, what it expects, what it says."""

import numpy as np
import pytest
from scipy.stats import norm

from napari_histossl.errors import StudyError
from napari_histossl.study._many_studies import analyse_many
from napari_histossl.study._power_words import describe_power
from napari_histossl.study._roe_metz import CUTS, ReaderModel, simulate_studies
from napari_histossl.study.power import PowerPlan, iterate_power, power_curve
from napari_histossl.study.statistics import auc, obuchowski_rockette, tost


@pytest.mark.parametrize("figure", ["auc", "accuracy", "balanced_accuracy"])
@pytest.mark.parametrize("per_slide", [1, 4])
def test_many_studies_at_once_are_the_same_as_one_by_one(figure, per_slide):
    rng = np.random.default_rng(1)
    many = simulate_studies(ReaderModel(), 0.3, (12, 3, 14), rng, per_slide)
    found = analyse_many(many, figure)
    readers, cases = np.indices((3, 28))
    slide = np.arange(14) // per_slide
    clusters = np.concatenate([slide, slide + 100])[cases.ravel()]
    for study in range(12):
        ratings = np.concatenate([many.synthetic[study], many.real[study]], axis=1) + 1
        alone = obuchowski_rockette(
            ratings.ravel(),
            cases.ravel() < 14,
            readers=readers.ravel(),
            cases=cases.ravel(),
            clusters=clusters,
            figure=figure,
        )
        assert found.estimate[study] == pytest.approx(alone.estimate)
        assert found.standard_error[study] == pytest.approx(alone.standard_error)
        assert found.df[study] == pytest.approx(alone.df)


@pytest.mark.parametrize("figure", ["auc", "accuracy"])
def test_expected_figure_is_the_mean_of_a_large_study(figure):
    model = ReaderModel(0.4, 0.7)
    rng = np.random.default_rng(2)
    many = simulate_studies(model, 0.5, (40, 25, 400), rng)
    mean = analyse_many(many, figure).estimate.mean()
    assert mean == pytest.approx(model.expected(0.5, figure), abs=0.004)


def test_accuracy_of_sixty_percent_is_another_margin_than_auc():
    model = ReaderModel()
    separation = model.separation_for(0.6, "accuracy")
    assert 0.62 < model.expected(separation, "auc") < 0.645
    assert model.separation_for(0.5, "auc") == pytest.approx(0, abs=1e-9)


def test_two_readers_cannot_show_equivalence_and_more_pictures_do_not_help():
    plan = PowerPlan((2, 10), (100, 400), "accuracy", studies=2000)
    curve = power_curve(plan)
    assert curve.at(2, 100) == pytest.approx(0.17, abs=0.035)
    assert curve.at(2, 400) == pytest.approx(0.22, abs=0.035)
    assert curve.at(10, 100) == pytest.approx(0.83, abs=0.035)
    assert curve.fewest_cases(2) is None
    assert curve.fewest_cases(10) == 100
    first, second, third, fourth = describe_power(curve)
    assert "2 readers show equivalence to chance (margin 0.1 on the accuracy)" in first
    assert "too few" in second
    assert "10 readers with 100 pictures" in third
    assert "If yours differ more, power is lower" in fourth


def test_power_to_show_a_difference():
    plan = PowerPlan((2, 5), (100,), goal="difference", truth=0.7, studies=400)
    curve = power_curve(plan)
    assert curve.at(5, 100) > 0.75
    assert curve.at(2, 100) < curve.at(5, 100)
    assert "is not chance if the truth is 0.7" in describe_power(curve)[0]
    assert curve.uncertainty == pytest.approx(0.049)


def test_nothing_is_enough():
    curve = power_curve(PowerPlan((2,), (50,), studies=50))
    assert "ask more readers" in describe_power(curve)[2]


def test_same_seed_same_curve_and_progress():
    plan = PowerPlan((2, 3), (20, 40), studies=60, seed=5)
    assert power_curve(plan) == power_curve(plan)
    steps = list(iterate_power(plan))
    assert steps[-1].done == steps[-1].total == 60


def test_a_design_that_was_not_simulated():
    curve = power_curve(PowerPlan((2,), (20,), studies=5))
    with pytest.raises(StudyError, match="3 readers and 20 pictures were not"):
        curve.at(3, 20)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (PowerPlan(readers=(1, 2)), "fewer than 2"),
        (PowerPlan(cases=(51,)), "even number"),
        (PowerPlan(cases=(20,), per_slide=8), "2 slides"),
        (PowerPlan(margin=0.5), "margin lies between"),
        (PowerPlan(truth=1.0), "between 0 and 1"),
    ],
)
def test_numbers_that_make_no_study(plan, message):
    with pytest.raises(StudyError, match=message):
        power_curve(plan)
    with pytest.raises(StudyError, match="standard deviations"):
        ReaderModel(reader_sd=-1)


def _independent_study(rng, readers, cases, truth):
    """Answers to the same model, written again from its description."""
    synthetic = rng.permutation(cases) < cases // 2
    skill, typical = rng.normal(0, 0.2, readers), rng.normal(0, 0.5, cases)
    ratings = np.empty((readers, cases))
    for reader in range(readers):
        away = truth + skill[reader] + typical
        seen = np.where(synthetic, away, -away) + rng.normal(size=cases)
        ratings[reader] = 1 + sum(seen > cut for cut in CUTS)
    return ratings, synthetic


def _independent_power(figure, readers, cases, truth, studies):
    """Power by the public functions, one study after the other."""
    rng = np.random.default_rng(99)
    equivalent = 0
    where = {"readers": np.repeat(np.arange(readers), cases)}
    where["cases"] = np.tile(np.arange(cases), readers)
    for _ in range(studies):
        ratings, synthetic = _independent_study(rng, readers, cases, truth)
        truths = np.tile(synthetic, readers)
        try:
            found = obuchowski_rockette(ratings.ravel(), truths, **where, figure=figure)
        except StudyError:
            continue  # two readers with exactly the same share right show nothing
        equivalent += tost(found).is_equivalent
    return equivalent / studies


@pytest.mark.soak
@pytest.mark.parametrize("figure", ["auc", "accuracy"])
@pytest.mark.parametrize(("readers", "cases"), [(2, 100), (5, 100), (10, 200)])
def test_power_against_an_independent_simulation(figure, readers, cases):
    plan = PowerPlan((readers,), (cases,), figure, studies=10_000)
    independent = _independent_power(figure, readers, cases, 0.0, 10_000)
    assert power_curve(plan).at(readers, cases) == pytest.approx(independent, abs=0.03)


def test_power_against_a_small_independent_simulation():
    plan = PowerPlan((5,), (100,), "accuracy", studies=2000)
    independent = _independent_power("accuracy", 5, 100, 0.0, 800)
    # 0.07 is three standard errors of a difference of such shares
    assert power_curve(plan).at(5, 100) == pytest.approx(independent, abs=0.07)


def test_separation_is_that_of_the_description():
    """The latent accuracy of one reader without differences is Phi(separation)."""
    model = ReaderModel(0, 0)
    assert model.expected(0.3, "accuracy") == pytest.approx(norm.cdf(0.3))
    rng = np.random.default_rng(3)
    ratings, synthetic = _independent_study(rng, 300, 2000, 0.3)
    areas = [auc(of_reader, synthetic) for of_reader in ratings]
    assert np.mean(areas) == pytest.approx(ReaderModel().expected(0.3, "auc"), abs=0.02)
