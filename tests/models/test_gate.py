"""The gate, as the paper has it and as the published code has it."""

import pytest

from napari_histossl.errors import ModelError
from napari_histossl.models.gate import gated_logits, gated_probabilities, passing
from napari_histossl.models.recipe import RECIPES, recipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PUBLISHED, PAPER = recipe("published"), recipe("paper")


def _pixel(*logits):
    return torch.tensor(logits)[None, :, None, None]


def test_what_passes():
    said = torch.tensor([[0.1, 0.2, 0.9], [0.1, 0.05, 0.0]])
    # 0.1 is not above 0.1; where nothing passes, the gate stays open
    assert passing(said).tolist() == [[False, True, True], [True, True, True]]
    assert passing(said, 0).tolist() == [[True] * 3, [True, True, False]]
    with pytest.raises(ModelError, match="from 0 to 1; got -1"):
        passing(said, -1)


def test_the_paper():
    """Probabilities of what passes keep their ratios and sum to 1."""
    torch.manual_seed(0)
    logits, said = 3 * torch.randn(2, 4, 5, 6), torch.tensor([[0.9, 0, 0.2, 0.01]] * 2)
    got = gated_probabilities(logits, said, PAPER)
    plain = logits.softmax(1) * torch.tensor([1, 0, 1, 0])[None, :, None, None]
    torch.testing.assert_close(got, plain / plain.sum(1, keepdim=True))
    assert not got[:, [1, 3]].any()


def test_the_paper_where_nothing_is_left():
    """What passes has no probability that a number can hold: still a sum of 1."""
    got = gated_probabilities(_pixel(300.0, 0, -1), torch.tensor([[0, 1, 1]]), PAPER)
    assert got[0, 0] == 0
    torch.testing.assert_close(got.sum(1), torch.ones(1, 1, 1))


def test_the_published_code():
    """A gated class has a logit of 0, and wins where all others are below."""
    said = torch.tensor([[1.0, 0.0, 1.0]])
    assert gated_logits(_pixel(-1.0, 5.0, -2.0), said > 0.1).flatten().tolist() == [
        -1,
        0,
        -2,
    ]
    won = gated_probabilities(_pixel(-1.0, 5.0, -2.0), said, PUBLISHED)
    assert int(won.argmax(1)) == 1
    lost = gated_probabilities(_pixel(1.0, 5.0, -2.0), said, PUBLISHED)
    assert int(lost.argmax(1)) == 0


@pytest.mark.parametrize("name", RECIPES)
def test_an_open_gate_changes_nothing(name):
    logits = torch.randn(2, 3, 4, 4)
    for said in (torch.ones(2, 3), torch.zeros(2, 3)):
        got = gated_probabilities(logits, said, recipe(name))
        torch.testing.assert_close(got, logits.softmax(1))
    with pytest.raises(ModelError, match=r"here \(2, 3\); got \(2, 4\)"):
        gated_probabilities(logits, torch.ones(2, 4), recipe(name))
