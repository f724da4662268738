"""Whatever is done to a mask, it equals a plain numpy array, crashes included."""

import contextlib
import runpy
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from napari_histossl.annotate import (
    FloodFill,
    MaskStore,
    Polygon,
    Stroke,
    Take,
    _blocks,
    _settling,
)
from napari_histossl.annotate._blobs import Blobs
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate._seeding import ArrayLabels
from napari_histossl.annotate.journal import Journal
from napari_histossl.geometry import Box

PLAIN = runpy.run_path(str(Path(__file__).with_name("plain.py")))
PlainMask, assert_equal = PLAIN["PlainMask"], PLAIN["assert_equal"]

SHAPE = (601, 530)
PROPOSAL = (
    np.random.default_rng(5)
    .integers(0, 6, (61, 53), np.uint8)
    .repeat(10, 0)
    .repeat(10, 1)[: SHAPE[0], : SHAPE[1]]
)

whole_px = st.integers(-40, 640)
points = st.lists(st.tuples(whole_px, whole_px), min_size=1, max_size=4)
corners = st.lists(st.tuples(whole_px, whole_px), min_size=3, max_size=6)
classes = st.integers(0, 5)
spared = st.sampled_from([(), (), (1, 2), (0, 3)])
radii = st.integers(0, 90) | st.integers(150, 300)  # as drawn at two levels of zoom
strokes = st.builds(
    # whole pixels and a broken radius: no distance is the radius but for rounding
    lambda points, radius, index, tool, spared: Stroke(
        points, radius + 0.3, index, tool, spared=spared
    ),
    points,
    radii,
    classes,
    st.sampled_from(["brush", "eraser"]),
    spared,
)
polygons = st.builds(
    lambda rings, index, spared: Polygon(rings, index, spared=spared),
    st.lists(corners, min_size=1, max_size=2),
    classes,
    spared,
)
boxes = st.builds(Box, whole_px, whole_px, st.integers(1, 400), st.integers(1, 400))
regions = st.tuples(boxes, st.integers(0, 2**32 - 1), st.booleans(), st.booleans())
takes = st.builds(
    lambda points, radius, removes, spared: Take(
        points, radius + 0.3, ArrayLabels(PROPOSAL), removes, spared=spared
    ),
    points,
    radii,
    st.booleans(),
    spared,
)
fills = st.builds(
    lambda y, x, index, height, width: FloodFill(
        (y, x), index, Box(y - height // 2, x - width // 3, height, width)
    ),
    st.integers(0, SHAPE[0] - 1),
    st.integers(0, SHAPE[1] - 1),
    classes,
    st.integers(1, 500),
    st.integers(1, 500),
)


class PowerCut(BaseException):
    """The process ends here."""


class MaskMachine(RuleBasedStateMachine):
    @initialize()
    def make(self):
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(_blocks, "BLOCK_PX", 256)  # strokes over many blocks
        self.patch.setattr(_settling, "_SETTLE_EVERY", 3)
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "mask.ome.zarr"
        self.mask = MaskStore.create(self.path, SHAPE, 0.5)
        self.plain = PlainMask(SHAPE)
        self.steps = 0

    @rule(stroke=strokes | polygons)
    def paint(self, stroke):
        before = self.plain.labels.copy()
        receipt = self.mask.paint(stroke)
        self._paint_plainly(stroke, receipt)
        changed = np.argwhere(before != self.plain.labels)
        if len(changed):
            (y0, x0), (y1, x1) = changed.min(axis=0), changed.max(axis=0)
            assert receipt.box.union(Box(y0, x0, y1 - y0 + 1, x1 - x0 + 1)) == (
                receipt.box
            )

    @rule(fill=fills)
    def fill(self, fill):
        receipt = self.mask.paint(fill)
        assert (receipt.seq is not None) == self.plain.fill(fill)
        self.steps += receipt.seq is not None

    @rule(take=takes)
    def take(self, take):
        receipt = self.mask.paint(take)
        assert (receipt.seq is not None) == self.plain.take(take, PROPOSAL)
        self.steps += receipt.seq is not None

    @rule(times=st.integers(1, 4), near=boxes)
    def fill_some_blocks(self, times, near):
        for _progress in zip(range(times), self.mask.settle(near), strict=False):
            pass

    @rule()
    def settle(self):
        list(self.mask.settle())
        assert self.mask.owed_blocks == 0

    @rule()
    def compact(self):
        list(self.mask.compact())
        assert self.mask._journal.blobs.loose_bytes() == 0

    @rule(region=regions)
    def paint_region(self, region):
        self.steps += self._paint_region(self.mask, region)
        self._paint_region_plainly(region)

    @precondition(lambda self: self.plain.done)
    @rule()
    def undo(self):
        assert self.mask.can_undo
        self.steps += 1
        assert self.mask.undo().seq
        self.plain.undo()

    @precondition(lambda self: self.plain.undone)
    @rule()
    def redo(self):
        assert self.mask.can_redo
        self.steps += 1
        assert self.mask.redo().seq
        self.plain.redo()

    @rule(settles=st.booleans())
    def reopen(self, settles):
        self.mask.close(settle=settles)
        self.mask = MaskStore.open(self.path)

    @rule()
    def look_from_elsewhere(self):
        with MaskStore.open(self.path, read_only=True) as looking:
            assert_equal(looking, self.plain)

    @rule(stroke=strokes | polygons, writes=st.integers(0, 3))
    def crash_between_journal_and_planes(self, stroke, writes):
        """Die after some of the pixels were written, before they were all."""
        with dying_after(Planes, "write", writes):
            self.mask.paint(stroke)
        self._die_and_reopen()
        if self._steps_in_journal() > self.steps:
            self._paint_plainly(stroke, None)

    @rule(region=regions)
    def crash_before_the_journal_is_written(self, region):
        with dying_after(Journal, "_insert", 0):
            self._paint_region(self.mask, region)
        self._die_and_reopen()

    @precondition(lambda self: self.plain.done)
    @rule(writes=st.integers(0, 2))
    def crash_in_undo(self, writes):
        with dying_after(Planes, "write", writes):
            self.mask.undo()
        self._die_and_reopen()
        if self._steps_in_journal() > self.steps:  # else it came upon a block to fill
            self.steps += 1
            self.plain.undo()

    @rule(
        where=st.sampled_from(
            [
                (Planes, "write"),
                (Journal, "record_before"),
                (Journal, "seal"),
                (Planes, "flush"),
                (Journal, "settle"),
            ]
        ),
        calls=st.integers(0, 3),
    )
    def crash_while_settling(self, where, calls):
        with dying_after(*where, calls):
            list(self.mask.settle())
        self._die_and_reopen()

    @rule(calls=st.integers(0, 6))
    def crash_while_compacting(self, calls):
        with dying_after(Blobs, "_move", calls):
            list(self.mask.compact())
        self._die_and_reopen()

    @rule()
    def power_cut(self):
        self._die_and_reopen()

    @invariant()
    def equals_the_plain_mask(self):
        assert_equal(self.mask, self.plain)
        PLAIN["assert_nothing_vanishes_from_afar"](self.mask, self.plain)
        assert self.mask.can_undo == bool(self.plain.done)
        assert self.mask.can_redo == bool(self.plain.undone)
        self.mask.verify()
        assert self._steps_in_journal() == self.steps

    def teardown(self):
        self.mask.close()
        self.patch.undo()
        shutil.rmtree(self.folder)

    def _paint_plainly(self, stroke, receipt):
        """Do the same to the arrays; a large stroke may be a step and cover nothing."""
        is_covering = self.plain.paint(stroke)
        is_step = receipt is None or receipt.seq is not None
        assert is_step or not is_covering
        if is_step and not is_covering:
            self.plain.nothing()
        self.steps += is_step

    def _steps_in_journal(self):
        return PLAIN["steps_of"](self.mask)

    def _paint_region(self, mask, region):
        box, values, where = self._drawn(region)
        return mask.paint_region(box, values, tool="fill", where=where).seq is not None

    def _paint_region_plainly(self, region):
        box, values, where = self._drawn(region)
        self.plain.paint_region(box, values, where)

    def _drawn(self, region):
        box, seed, is_uniform, is_chosen = region
        rng = np.random.default_rng(seed)
        values = rng.integers(0, 6, () if is_uniform else box.shape)
        where = rng.random(box.shape) < 0.3 if is_chosen else None
        return box, values, where

    def _die_and_reopen(self):
        """Leave everything as it is, but for what the system does for the dead."""
        self.mask._writer.settler.close()
        self.mask._journal.close()
        self.mask._planes.close()
        self.mask = MaskStore.open(self.path)


@contextlib.contextmanager
def dying_after(owner, name, calls):
    """End what is done inside at a call of a method, after some went well."""
    whole, count = getattr(owner, name), iter(range(calls))

    def until_the_end(*args, **kwargs):
        if next(count, None) is None:
            raise PowerCut
        return whole(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(PowerCut):
        patch.setattr(owner, name, until_the_end)
        yield


MaskMachine.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestMask = MaskMachine.TestCase
