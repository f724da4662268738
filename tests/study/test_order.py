from itertools import groupby

import pytest

from napari_histossl.study.order import draw_blocks, draw_order


def _cases(per_class):
    real = [f"r{n}" for n in range(per_class)]
    synthetic = [f"s{n}" for n in range(per_class)]
    return real, synthetic


def _longest_run(order):
    return max(len(list(run)) for _, run in groupby(order, key=lambda case: case[0]))


@pytest.mark.parametrize("per_class", [2, 3, 20, 51])
def test_balanced_and_without_long_runs_for_many_seeds(per_class):
    real, synthetic = _cases(per_class)
    for seed in range(200):
        key = seed.to_bytes(4, "big")
        order = draw_order(key, "anna", draw_blocks(key, real, synthetic))
        assert sorted(order) == sorted(real + synthetic)
        assert _longest_run(order) <= 4
        for end in range(0, len(order), 4):
            ahead = sum(1 if case[0] == "r" else -1 for case in order[:end])
            assert abs(ahead) <= 2


def test_each_class_comes_first_about_equally_often():
    real, synthetic = _cases(10)
    first = [
        draw_order(key, "anna", draw_blocks(key, real, synthetic))[0][0]
        for key in (seed.to_bytes(4, "big") for seed in range(400))
    ]
    assert 150 < first.count("r") < 250


def test_readers_have_different_orders_over_the_same_blocks():
    blocks = draw_blocks(b"seed", *_cases(20))
    anna, bert = (draw_order(b"seed", reader, blocks) for reader in ("anna", "bert"))
    assert anna != bert
    assert draw_order(b"seed", "anna", blocks) == anna
    for order in (anna, bert):
        at = 0
        while at < len(order):
            block = next(block for block in blocks if order[at] in block)
            assert set(order[at : at + len(block)]) == set(block)
            at += len(block)
    assert {len(block) for block in blocks} == {2, 4}


def test_classes_of_different_size_are_spread_evenly():
    real, synthetic = _cases(60)
    order = draw_order(b"seed", "anna", draw_blocks(b"seed", real[:20], synthetic))
    assert sorted(order) == sorted(real[:20] + synthetic)
    for at in range(0, 80, 20):
        assert 3 <= sum(case[0] == "r" for case in order[at : at + 20]) <= 7


def test_strata_are_spread_over_the_blocks():
    real, synthetic = _cases(40)
    strata = {case: str(int(case[1:]) // 10) for case in real + synthetic}
    blocks = draw_blocks(b"seed", real, synthetic, strata)
    cases = [case for block in blocks for case in block if case[0] == "s"]
    for at in range(0, 40, 8):
        assert len({strata[case] for case in cases[at : at + 8]}) == 4


def test_place_in_block_tells_nothing_about_class():
    # Over many seeds each of the four places holds a real picture half the time.
    real, synthetic = _cases(2)
    places = [0, 0, 0, 0]
    for seed in range(600):
        key = seed.to_bytes(4, "big")
        order = draw_order(key, "anna", draw_blocks(key, real, synthetic))
        for place, case in enumerate(order):
            places[place] += case[0] == "r"
    assert all(250 < count < 350 for count in places)
