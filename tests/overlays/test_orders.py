"""What a person says while a run goes on: look here, wait, go on, stop."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_histossl.geometry import Box
from napari_histossl.jobs import Orders
from napari_histossl.overlays import run
from napari_histossl.overlays.agenda import Agenda
from napari_histossl.overlays.grid import StepGrid
from napari_histossl.store import Pyramid

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


class _Watched(ThreadPoolExecutor):
    """One thread that remembers which tiles it has computed, in order."""

    def __init__(self):
        super().__init__(1)
        self.computed = []
        self.before = lambda: None

    def submit(self, function, *arguments):
        def call():
            self.before()
            self.computed += arguments[-1]
            return function(*arguments)

        return super().submit(call)


@pytest.fixture
def watched():
    with _Watched() as pool:
        yield pool


VIEW = Box(96, 160, 40, 40)
IN_VIEW = {(3, 5), (3, 6), (4, 5), (4, 6)}


def test_a_view_comes_before_all_that_is_not_in_flight(small_slide, make_plan, watched):
    orders = Orders()
    plan = make_plan(batch=3)
    work = run(small_slide.source, plan, executor=watched, orders=orders)
    while next(work).done < 3:
        pass
    orders.look_at(VIEW)
    list(work)
    assert len(watched.computed) == len(set(watched.computed)) == 35
    rest = watched.computed[3 * 3 :]  # done, computed, handed over
    first = next(i for i, tile in enumerate(watched.computed) if tile in IN_VIEW)
    assert first <= 9
    assert set(watched.computed[first : first + 4]) == IN_VIEW
    around = {(i, j) for i in (2, 3, 4) for j in (4, 5, 6)} - IN_VIEW
    following = [tile for tile in rest if tile not in IN_VIEW][: len(around)]
    assert set(following) <= around | set(watched.computed[:9])
    assert np.isfinite(_pixels(plan)).all()


def test_of_many_views_the_last_one_counts(small_slide, make_plan, watched):
    orders = Orders()
    work = run(small_slide.source, make_plan(batch=1), executor=watched, orders=orders)
    while next(work).done < 1:
        pass
    for row in range(5):
        orders.look_at(Box(32 * row, 0, 20, 20))
    orders.look_at(Box(140, 200, 5, 2))
    list(work)
    assert (4, 6) in watched.computed[:4]
    assert len(watched.computed) == len(set(watched.computed)) == 35


def test_the_first_tiles_in_view_are_shown_at_once(small_slide, make_plan):
    orders = Orders()
    work = run(small_slide.source, make_plan(batch=2), orders=orders)
    while next(work).done < 8:
        pass
    orders.look_at(VIEW)
    before = 0
    for progress in work:
        token = Box(4 * 3, 4 * 5, 8, 6)  # the four tiles, in tokens
        if progress.box is not None and progress.box.intersection(token):
            break
        before = progress.done
    assert before <= 8 + 2 * 4


def test_pausing_computes_nothing_until_it_goes_on(small_slide, make_plan, watched):
    orders = Orders()
    plan = make_plan(batch=2)
    work = run(small_slide.source, plan, executor=watched, orders=orders)
    while next(work).done < 4:
        pass
    orders.pause()
    paused = next(p for p in work if p.message == "paused")
    assert paused.done == len(watched.computed) < 12
    assert np.isfinite(_pixels(plan)).any()  # what was in flight can be seen
    started = threading.Event()
    watched.before = started.set
    threading.Timer(0.3, orders.resume).start()
    going_on = next(work)
    assert started.is_set()
    assert going_on.done > paused.done
    list(work)
    assert len(watched.computed) == len(set(watched.computed)) == 35


def test_stopping_keeps_and_shows_what_is_done(small_slide, make_plan, watched):
    orders = Orders()
    plan = make_plan(batch=2)
    work = run(small_slide.source, plan, executor=watched, orders=orders)
    while next(work).done < 6:
        pass
    orders.stop()
    last = list(work)[-1]
    assert 6 <= last.done < 12
    assert np.isfinite(_pixels(plan)).sum() >= 6 * 3 * 16 * 0.6
    again = list(run(small_slide.source, plan, executor=watched))
    assert again[0].done == last.done
    assert len(watched.computed) - 35 <= 2 * 2  # batches that were in flight


def test_stopping_a_run_that_waits(small_slide, make_plan):
    orders = Orders()
    orders.pause()
    work = run(small_slide.source, make_plan(), orders=orders)
    assert next(p for p in work if p.message == "paused").done == 0
    threading.Timer(0.1, orders.stop).start()
    assert list(work)[-1].done == 0


def test_a_batch_does_not_mix_what_is_in_view_with_what_is_not():
    grid = StepGrid((320, 320), 32, 32)
    tiles = [(i, j) for i in range(10) for j in range(10)]
    agenda = Agenda(tiles, grid)
    assert agenda.take(3) == [(0, 0), (0, 1), (0, 2)]
    agenda.look_at(Box(300, 300, 10, 10))
    assert agenda.next_is_in_view()
    assert agenda.take(16) == [(9, 9)]
    assert not agenda.next_is_in_view()
    taken = agenda.take(16)
    agenda.give_back(taken)
    assert agenda.take(16) == taken
    assert len(agenda) == 100 - 3 - 1 - 16


def _pixels(plan):
    with Pyramid.open(plan.out) as pyramid:
        return pyramid.read(pyramid.levels[0].box)
