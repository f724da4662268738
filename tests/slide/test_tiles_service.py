"""The tile service: order, replacement, memory, stalls, and threads under stress."""

import threading
import time

import numpy as np
import pytest

from napari_histossl.errors import SlideReadError, SlideUnreachableError
from napari_histossl.geometry import Level
from napari_histossl.slide._tile_cache import TileCache
from napari_histossl.slide._tile_plan import ReadPlan
from napari_histossl.slide.tiles import (
    SlideTileSource,
    TileService,
    TileSource,
    keys_of_level,
)

PATIENCE_S = 120
"""Nothing here takes so long unless it hangs."""


class PatternSource(TileSource):
    """Tiles that hold their own place, of a slide of any size, without a file."""

    kind, dtype, channels, fill_value = "image", np.dtype(np.uint8), None, 0

    def __init__(self, side=100_000, tile_size=64):
        self.name, self.tile_size = "pattern", tile_size
        steps = max(0, int(np.ceil(np.log2(side / 512))))
        self.levels = tuple(
            Level((-(-side // 2**k), -(-side // 2**k)), 2.0**k)
            for k in range(steps + 1)
        )
        self.reads = []
        self.gate = threading.Event()
        self.gate.set()
        self.error = None

    def value(self, level, ty, tx):
        return (level * 7 + ty * 31 + tx) % 251

    def read_tile(self, level, ty, tx):
        self.inside_box(level, ty, tx)
        self.reads.append((level, ty, tx))
        if not self.gate.wait(PATIENCE_S):
            raise AssertionError("nobody opened the gate")
        if self.error is not None:
            raise self.error
        return np.full(self.tile_shape, self.value(level, ty, tx), np.uint8)


@pytest.fixture
def service():
    with TileService(4 << 20, workers=2, retry_s=0.01, stall_s=0.05) as service:
        yield service


def until(condition):
    """Wait for something that threads bring about."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.001)


def is_idle(service):
    stats = service.stats()
    return stats.queued == 0 and stats.running == 0


def small(source):
    """Take the coarsest level out of the way."""
    return len(source.levels) - 1


# ---- Getting and wanting ----


def test_get_returns_at_once_and_want_brings_it(service):
    source = PatternSource()
    source.gate.clear()
    service.add(source)
    service.want([(source, 0, 3, 4)])
    assert service.get(source, 0, 3, 4) is None
    source.gate.set()
    until(lambda: service.get(source, 0, 3, 4) is not None)
    tile = service.get(source, 0, 3, 4)
    assert (tile == source.value(0, 3, 4)).all()
    with pytest.raises(ValueError, match="read-only"):
        tile[0, 0] = 1


def test_the_coarsest_level_comes_without_asking_and_stays(service):
    source = PatternSource(side=1000, tile_size=256)
    service.add(source)
    top = keys_of_level(source, small(source))
    until(lambda: all(service.has(*key) for key in top))
    service.want(keys_of_level(source, 0) * 1)
    until(lambda: is_idle(service))
    flood = PatternSource(side=5000, tile_size=256)
    service.add(flood)
    service.want(keys_of_level(flood, 0))
    until(lambda: is_idle(service))
    assert all(service.has(*key) for key in top)
    assert service.stats().pinned_bytes > 0


def test_a_replaced_queue_is_dropped_on_a_slow_slide(latency_slide):
    source = SlideTileSource(latency_slide, tile_size=64)
    with TileService(workers=1, stall_s=60) as service:
        service.add(source)
        until(lambda: is_idle(service))
        latency_slide.reads.clear()
        latency_slide.gate.clear()
        first, *others = keys_of_level(source, 0)[:30]
        service.want([first, *others])
        until(lambda: len(latency_slide.reads) == 1)
        service.want([others[-1]])
        latency_slide.gate.set()
        until(lambda: is_idle(service))
        assert len(latency_slide.reads) == 2
        assert service.has(*first)  # a read in flight ends and is kept
        assert service.has(*others[-1])
        assert not any(service.has(*key) for key in others[:-1])


def test_in_the_order_of_the_keys():
    source = PatternSource(side=4000)
    with TileService(workers=1) as service:
        service.add(source)
        until(lambda: is_idle(service))
        source.gate.clear()
        source.reads.clear()
        wanted = [(source, 0, 5, 5), (source, 1, 0, 0), (source, 0, 1, 2)]
        service.want(wanted)
        source.gate.set()
        until(lambda: is_idle(service))
        assert source.reads == [key[1:] for key in wanted]


def test_prefetch_waits_until_nothing_is_wanted(service):
    source = PatternSource(side=4000)
    service.add(source)
    until(lambda: is_idle(service))
    source.gate.clear()
    source.reads.clear()
    wanted = keys_of_level(source, 0)[:6]
    service.want(wanted)
    service.prefetch(keys_of_level(source, 1)[:3])
    source.gate.set()
    until(lambda: len(source.reads) == 9)
    assert all(read[0] == 0 for read in source.reads[:6])
    assert service.has(*keys_of_level(source, 1)[2])


def test_want_drops_what_was_to_be_prefetched(service):
    source = PatternSource(side=4000)
    service.add(source)
    until(lambda: is_idle(service))
    source.gate.clear()
    service.want(keys_of_level(source, 0)[:2])
    service.prefetch(keys_of_level(source, 1))
    service.want([])
    source.gate.set()
    until(lambda: is_idle(service))
    assert not any(read[0] == 1 for read in source.reads)


def test_listeners_are_told_of_every_tile(service):
    source = PatternSource(side=1000)
    told = []
    end = service.listen(told.append)
    service.add(source)
    wanted = keys_of_level(source, 0)
    service.want(wanted)
    until(lambda: set(wanted) <= set(told))
    until(lambda: is_idle(service))
    assert len(told) == len(set(told))
    end()
    before = len(told)
    service.invalidate(source)
    until(lambda: service.has(*wanted[0]))
    assert len(told) == before


def test_a_listener_that_fails_harms_nobody(service, caplog):
    source = PatternSource(side=500)
    service.listen(lambda key: 1 / 0)
    service.add(source)
    until(lambda: is_idle(service))
    assert service.stats().tiles == 64
    assert "listener" in caplog.text


# ---- Memory ----


def test_the_budget_holds_and_the_least_recently_used_go():
    tile = 64 * 64
    source = PatternSource(side=40_000)
    with TileService(200 * tile, workers=1) as service:  # tiles come in their order
        service.add(source)  # 81 tiles of which a quarter of the budget is pinned
        until(lambda: is_idle(service))
        wanted = keys_of_level(source, 3)[:300]
        service.want(wanted[:100])
        until(lambda: is_idle(service))
        assert service.get(*wanted[0]) is not None
        service.want(wanted[100:190])
        until(lambda: is_idle(service))
        stats = service.stats()
        assert stats.held_bytes <= stats.budget_bytes
        assert stats.held_bytes == stats.tiles * tile
        assert stats.pinned_bytes <= stats.budget_bytes // 4
        assert service.has(*wanted[0])
        assert not service.has(*wanted[1])


def test_one_budget_for_all_sources(service):
    sources = [PatternSource(side=3000, tile_size=256) for _ in range(3)]
    for source in sources:
        service.add(source)
        service.want(keys_of_level(source, 0))
        until(lambda: is_idle(service))
    assert service.stats().held_bytes <= 4 << 20


def test_a_removed_source_leaves_nothing_even_with_reads_in_flight(service):
    source = PatternSource(side=3000)
    service.add(source)
    until(lambda: is_idle(service))
    source.gate.clear()
    told = []
    service.listen(told.append)
    service.want(keys_of_level(source, 0))
    until(lambda: service.stats().running == 2)
    service.remove(source)
    source.gate.set()
    until(lambda: is_idle(service))
    stats = service.stats()
    assert (stats.held_bytes, stats.pinned_bytes, stats.tiles) == (0, 0, 0)
    assert told == []
    assert service.get(source, 0, 0, 0) is None


def test_a_view_into_a_large_array_does_not_keep_it(service):
    class Cropping(PatternSource):
        def read_tile(self, level, ty, tx):
            return np.zeros((4096, 64), np.uint8)[:64]

    source = Cropping(side=100)
    service.add(source)
    until(lambda: is_idle(service))
    assert service.get(source, 0, 0, 0).base is None


# ---- Failures ----


def test_a_failure_is_told_counted_and_tried_again(service):
    source = PatternSource(side=400)
    source.error = SlideReadError("broken")
    told = []
    service.listen(told.append)
    service.add(source)
    service.want([(source, 0, 0, 0)])
    until(lambda: service.failed(source, 0, 0, 0) is not None)
    assert service.get(source, 0, 0, 0) is None
    assert "broken" in str(service.health(source).error)
    until(lambda: service.stats().failed == 49)
    until(lambda: told.count((source, 0, 0, 0)) >= 2)  # after a pause, by itself
    source.error = None
    until(lambda: service.has(source, 0, 0, 0))
    assert service.failed(source, 0, 0, 0) is None
    until(lambda: service.stats().failed == 0)


def test_retry_at_once_when_a_drive_is_back():
    source = PatternSource(side=4000)
    with TileService(workers=2, retry_s=3600) as service:
        service.add(source)
        until(lambda: is_idle(service))
        source.error = SlideUnreachableError("away")
        key = (source, 0, 1, 1)
        service.want([key])
        until(lambda: service.failed(*key))
        source.error = None
        service.want([key])  # wanting alone does not hurry it
        assert service.failed(*key)
        service.retry(source)
        until(lambda: service.has(*key))


def test_one_tile_that_comes_through_brings_back_the_others():
    source = PatternSource(side=4000)
    with TileService(workers=2, retry_s=3600) as service:
        service.add(source)
        until(lambda: is_idle(service))
        source.error = SlideUnreachableError("away")
        wanted = keys_of_level(source, 0)[:5]
        service.want(wanted)
        until(lambda: service.stats().failed == 5)
        source.error = None
        service.want([*wanted, (source, 0, 0, 0)])
        until(lambda: all(service.has(*key) for key in wanted))


def test_failed_tiles_wait_behind_those_that_were_never_tried():
    """However slow reads are, and however soon the failed ones are due again."""
    source = PatternSource(side=400)
    plan = ReadPlan(TileCache(1 << 20), workers=1, stall_s=1.0, retry_s=0.01)
    base = keys_of_level(source, small(source))
    plan.add(source, base)
    tried = set()
    for step in range(len(base)):
        read = plan.take(now_s=1000.0 * step)
        tried.add(read.key)
        plan.failed(read, SlideReadError("gone"), now_s=1000.0 * step + 1)
    assert tried == set(base)


def test_a_bug_in_a_source_is_a_failure_not_the_end(service, caplog):
    source = PatternSource(side=400)
    source.error = ZeroDivisionError("a bug")
    service.add(source)
    until(lambda: isinstance(service.failed(source, 0, 0, 0), ZeroDivisionError))
    assert "a bug" in caplog.text
    good = PatternSource(side=400)
    service.add(good)
    until(lambda: service.has(good, 0, 0, 0))


# ---- Drives that hang ----


def test_a_source_that_hangs_does_not_block_the_others(service):
    hanging, fine = PatternSource(side=4000), PatternSource(side=4000)
    service.add(fine)
    service.add(hanging)
    until(lambda: is_idle(service))
    hanging.gate.clear()
    service.want(keys_of_level(hanging, 0)[:100])
    until(lambda: service.stats().stalled >= 2)
    assert service.health(hanging).stalled_s > 0
    wanted = keys_of_level(fine, 0)[:50]
    service.want([*keys_of_level(hanging, 0)[:100], *wanted])
    until(lambda: all(service.has(*key) for key in wanted))
    assert service.health(hanging).running <= 8
    assert service.health(fine).stalled == 0
    hanging.gate.set()  # and comes back
    until(lambda: all(service.has(*key) for key in keys_of_level(hanging, 0)[:100]))
    assert service.health(hanging).stalled == 0


def test_a_slow_drive_is_read_from_in_parallel(array_slide, latency_slide):
    source = SlideTileSource(latency_slide, tile_size=64)
    latency_slide.latency_s = 0.03
    with TileService(workers=2) as service:
        service.add(source)
        wanted = keys_of_level(source, 0)[:60]
        most = 0
        service.want(wanted)

        def all_there():
            nonlocal most
            most = max(most, service.stats().running)
            return all(service.has(*key) for key in wanted)

        until(all_there)
        assert service.health(source).is_slow
        assert 3 <= most <= 8


def test_costly_tiles_leave_a_worker_free():
    class Costly(PatternSource):
        def is_costly(self, level):
            return level == small(self)

    source = Costly(side=4000)
    with TileService(workers=2, stall_s=60) as service:
        source.gate.clear()
        service.add(source)
        until(lambda: service.stats().running == 1)
        service.want([(source, 0, 0, 0)])
        until(lambda: service.stats().running == 2)
        assert (0, 0, 0) in source.reads
        source.gate.set()
        until(lambda: is_idle(service))


def test_close_does_not_wait_for_reads_that_hang():
    source = PatternSource(side=4000)
    source.gate.clear()
    service = TileService(workers=2)
    service.add(source)
    until(lambda: service.stats().running == 2)
    service.close(timeout_s=0.01)
    names = {t.name for t in threading.enumerate() if t.name.startswith("tiles-")}
    assert names  # still hanging, as daemons
    assert all(t.daemon for t in threading.enumerate() if t.name in names)
    source.gate.set()
    until(lambda: not any(t.name in names for t in threading.enumerate()))
    assert service.stats().held_bytes == 0
    service.want([(source, 0, 0, 0)])  # harmless
    assert service.get(source, 0, 0, 0) is None


def test_threads_end_with_the_service():
    before = threading.active_count()
    with TileService(workers=3) as service:
        assert service.stats().threads == 4
    until(lambda: threading.active_count() == before)


# ---- Pixels that change ----


def test_what_changed_is_read_anew(service):
    source = PatternSource(side=1000)
    service.add(source)
    key = (source, 0, 2, 2)
    service.want([key])
    until(lambda: service.has(*key))
    source.value = lambda level, ty, tx: 99
    service.invalidate(source, [key])
    until(lambda: service.has(*key))
    assert (service.get(*key) == 99).all()
    assert (service.get(source, 1, 0, 0) == PatternSource().value(1, 0, 0)).all()


def test_a_read_that_began_before_the_change_does_not_count(service):
    source = PatternSource(side=1000)
    service.add(source)
    until(lambda: is_idle(service))
    source.gate.clear()
    key = (source, 0, 2, 2)
    service.want([key])
    until(lambda: source.reads[-1] == (0, 2, 2))
    reads = len(source.reads)
    service.invalidate(source)
    source.gate.set()
    until(lambda: service.has(*key))
    assert source.reads[reads:].count((0, 2, 2)) == 1


# ---- Stress ----


@pytest.mark.parametrize("seed", range(4))
def test_many_threads_at_random(seed):
    """Whatever happens: memory holds, no tile is wrong, what stays wanted arrives."""
    budget = 3 << 20
    sources = [PatternSource(side=6000) for _ in range(3)]
    wrong, stop = [], threading.Event()
    with TileService(budget, workers=3, stall_s=0.002, retry_s=0.002) as service:
        for source in sources:
            service.add(source)

        def pan(number):
            random = np.random.default_rng((seed, number))
            while not stop.is_set():
                source = sources[random.integers(len(sources))]
                level = int(random.integers(len(source.levels)))
                keys = keys_of_level(source, level)
                start = int(random.integers(len(keys)))
                act = random.integers(12)
                if act < 6:
                    service.want(keys[start : start + 40])
                elif act < 8:
                    service.prefetch(keys[start : start + 10])
                elif act == 8:
                    service.remove(source)
                    service.add(source)
                elif act == 9:
                    service.invalidate(source, keys[start : start + 5])
                elif act == 10:
                    source.error = SlideUnreachableError("away")
                else:
                    source.error = None
                for key in keys[start : start + 20]:
                    tile = service.get(*key)
                    if tile is not None and (tile != source.value(*key[1:])).any():
                        wrong.append(key)
                if service.stats().held_bytes > budget:
                    wrong.append("budget")

        threads = [threading.Thread(target=pan, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert not wrong
        for source in sources:
            source.error = None
            service.add(source)
        wanted = [key for source in sources for key in keys_of_level(source, 1)[:60]]
        service.want(wanted)
        until(lambda: all(service.has(*key) for key in wanted))
        until(lambda: is_idle(service))
        stats = service.stats()
        assert stats.held_bytes == stats.tiles * 64 * 64 <= budget
        for source in sources:
            service.remove(source)
        assert service.stats().held_bytes == 0


def test_tiles_that_were_read_elsewhere_replace_those_that_are_there(service):
    source = PatternSource(2000)
    service.add(source)
    key = (source, 0, 1, 2)
    service.want([key])
    until(lambda: service.get(*key) is not None)
    assert key in service.keys(source)
    assert (source, 0, 5, 5) not in service.keys(source)
    newer = np.full(source.tile_shape, 200, np.uint8)
    source.gate.clear()
    service.invalidate(source, [key])  # it is wanted: a read of old pixels is under way
    until(lambda: service.stats().running)
    service.replace({key: newer})
    source.gate.set()
    until(lambda: not service.stats().running)
    assert service.get(*key)[0, 0] == 200
