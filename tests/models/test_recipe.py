"""What paper and published code do differently, and the schedule down to its floor."""

import dataclasses

import pytest

from napari_histossl.errors import ModelError
from napari_histossl.models.recipe import RECIPES, Recipe, recipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def test_every_choice_differs_and_is_described():
    """A choice that both make alike would be no choice."""
    paper, published = recipe("paper"), recipe("published")
    names = {field.name for field in dataclasses.fields(Recipe)}
    alike = {n for n in names if getattr(paper, n) == getattr(published, n)}
    assert alike == {"classifier_decay"}, "told with the momentum that it is taken for"
    assert all(name in Recipe.__doc__ for name in names)
    assert all(f"({number})" in Recipe.__doc__ for number in range(1, 11))
    assert all(f"({number})" in recipe.__doc__ for number in range(1, 11))


@pytest.mark.parametrize("name", RECIPES)
def test_recorded_and_read_back(name):
    said = recipe(name).to_json()
    assert Recipe.from_json(said) == recipe(name)
    with pytest.raises(ModelError, match="missing or unknown: gate_on"):
        Recipe.from_json({k: v for k, v in said.items() if k != "gate_on"})
    with pytest.raises(ModelError, match="missing or unknown: colour"):
        Recipe.from_json({**said, "colour": 1})


def test_no_such_recipe():
    with pytest.raises(ModelError, match="no recipe 'code'; choose one of paper, publ"):
        recipe("code")


@pytest.fixture
def schedule():
    from napari_histossl.models.dropout_attention import DropoutSchedule

    return lambda name: DropoutSchedule.of(recipe(name))


def test_the_published_schedule(schedule):
    """No attention in three epochs while mu decays; the end is below the floor."""
    mus = [schedule("published").mu(epoch) for epoch in range(40)]
    assert mus[:3] == [None, None, None]
    assert mus[3:23] == pytest.approx([0.98**epoch for epoch in range(3, 23)])
    assert (round(mus[3], 4), round(mus[22], 4)) == (0.9412, 0.6412)
    assert mus[19] > mus[21] > 0.65  # twenty epochs do not reach the floor
    assert set(mus[22:]) == {mus[22]}


def test_the_schedule_of_the_paper(schedule):
    """Attention from the first epoch, mu fixed for three, and never below the floor."""
    mus = [schedule("paper").mu(epoch) for epoch in range(60)]
    assert mus[:3] == [1, 1, 1]
    assert mus[3:31] == pytest.approx([0.985**times for times in range(1, 29)])
    assert mus[19] > mus[30] > 0.65
    assert set(mus[31:]) == {0.65}


def test_a_schedule_of_ones_own():
    from napari_histossl.models.dropout_attention import DropoutSchedule

    mus = DropoutSchedule(0.5, fixed=1, floor=0.3, start=0.8)
    assert [mus.mu(epoch) for epoch in range(4)] == [0.8, 0.4, 0.3, 0.3]
    constant = DropoutSchedule(1.0, start=0.2)
    assert {constant.mu(epoch) for epoch in range(9)} == {0.2}
