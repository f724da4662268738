"""What a reader is shown: training first, repeats apart, no long runs."""

from itertools import groupby

import pytest

from napari_histossl.errors import StudyError
from napari_histossl.study.protocol import Protocol
from napari_histossl.study.sequence import draw_sequence
from napari_histossl.study.truth import CaseTruth, Truth


def truth_of(per_class=40, training=5, catch=2, seed=1):
    cases = {}
    for synthetic in (False, True):
        roles = ["test"] * per_class + ["training"] * training + ["catch"] * catch
        for number, role in enumerate(roles):
            arm = f"arm {number % 2}" if synthetic else "real"
            name = f"{'s' if synthetic else 'r'}{number:03d}"
            cases[name] = CaseTruth(synthetic, f"{name}.png", "", role, arm)
    return Truth("study", seed.to_bytes(32, "big"), cases)


@pytest.mark.parametrize("seed", range(20))
def test_training_then_test_with_repeats_far_apart(seed):
    truth = truth_of(seed=seed)
    shown = draw_sequence(truth, Protocol(), "anna", "", "pack")
    kinds = [one.kind for one in shown]
    assert kinds[:10] == ["training"] * 10
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "training": 10,
        "test": 80,
        "catch": 4,
        "repeat": 8,
    }
    first = {one.case_id: place for place, one in enumerate(shown)}
    for place, one in enumerate(shown):
        if one.kind == "repeat":
            tests = [p for p, o in enumerate(shown) if o.case_id == one.case_id]
            assert tests[1] == place
            assert place - tests[0] >= 20
        first.setdefault(one.case_id, place)
    repeated = [one.case_id[0] for one in shown if one.kind == "repeat"]
    assert repeated.count("r") == 4
    classes = [one.case_id[0] for one in shown[10:] if one.kind != "catch"]
    assert max(len(list(run)) for _, run in groupby(classes)) <= 5
    assert len({one.name for one in shown}) == len(shown)


def test_drawn_again_it_is_the_same_and_others_see_another():
    truth, protocol = truth_of(), Protocol()
    anna = draw_sequence(truth, protocol, "anna", "", "pack")
    assert draw_sequence(truth, protocol, "anna", "", "pack") == anna
    for other in (("bert", "", "pack"), ("anna", "magnified", "pack")):
        cases = [one.case_id for one in draw_sequence(truth, protocol, *other)]
        assert cases != [one.case_id for one in anna]
    other_pack = draw_sequence(truth, protocol, "anna", "", "second")
    assert [one.case_id for one in other_pack] == [one.case_id for one in anna]
    assert not {one.name for one in other_pack} & {one.name for one in anna}


def test_too_few_pictures_for_repeats_so_far_apart():
    with pytest.raises(StudyError, match="need more than 16 test pictures"):
        draw_sequence(truth_of(per_class=8), Protocol(), "anna", "", "pack")
    shown = draw_sequence(
        truth_of(per_class=8), Protocol(repeat_share=0), "anna", "", "pack"
    )
    assert all(one.kind != "repeat" for one in shown)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"figure": "kappa"}, "no figure of merit 'kappa'"),
        ({"layout": "split"}, "no layout 'split'"),
        ({"margin": 0.5}, "margin of equivalence"),
        ({"layout": "factorial"}, "two names of conditions"),
        ({"conditions": ["a", "b"]}, "no names of conditions"),
        ({"repeat_share": 0.9}, "repeats are a share"),
        ({"third_question": "Which class?"}, "at least two choices"),
        ({"training_per_class": -1}, "at least 0"),
        ({"colour": 3}, "a protocol has no 'colour'"),
    ],
)
def test_protocols_that_make_no_sense(changes, words):
    with pytest.raises(StudyError, match=words):
        Protocol.from_json(changes)
    assert Protocol.from_json(Protocol().as_json()) == Protocol()
