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

from napari_histossl.annotate import MaskStore, Stroke, _raster, _writer
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate.journal import Journal
from napari_histossl.geometry import Box

PLAIN = runpy.run_path(str(Path(__file__).with_name("plain.py")))
PlainMask, assert_equal = PLAIN["PlainMask"], PLAIN["assert_equal"]

SHAPE = (601, 530)

whole_px = st.integers(-40, 640)
strokes = st.builds(
    # whole pixels and a broken radius: no distance is the radius but for rounding
    lambda points, radius, index, tool: Stroke(points, radius + 0.3, index, tool),
    st.lists(st.tuples(whole_px, whole_px), min_size=1, max_size=4),
    st.integers(0, 90),
    st.integers(0, 5),
    st.sampled_from(["brush", "eraser"]),
)
boxes = st.builds(Box, whole_px, whole_px, st.integers(1, 400), st.integers(1, 400))
regions = st.tuples(boxes, st.integers(0, 2**32 - 1), st.booleans(), st.booleans())


class PowerCut(BaseException):
    """The process ends here."""


class MaskMachine(RuleBasedStateMachine):
    @initialize()
    def make(self):
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(_raster, "BLOCK_PX", 256)  # strokes over many blocks
        self.patch.setattr(_writer, "_SYNC_EVERY", 3)
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "mask.ome.zarr"
        self.mask = MaskStore.create(self.path, SHAPE, 0.5)
        self.plain = PlainMask(SHAPE)
        self.steps = 0

    @rule(stroke=strokes)
    def paint(self, stroke):
        before = self.plain.labels.copy()
        receipt = self.mask.paint(stroke)
        assert (receipt.seq is not None) == self.plain.paint(stroke)
        if receipt.seq is None:
            return
        self.steps += 1
        changed = np.argwhere(before != self.plain.labels)
        if len(changed):
            (y0, x0), (y1, x1) = changed.min(axis=0), changed.max(axis=0)
            assert receipt.box.union(Box(y0, x0, y1 - y0 + 1, x1 - x0 + 1)) == (
                receipt.box
            )

    @rule(region=regions)
    def paint_region(self, region):
        self.steps += self._paint_region(self.mask, region)
        self._paint_region_plainly(region)

    @precondition(lambda self: self.plain.done)
    @rule()
    def undo(self):
        assert self.mask.can_undo
        self.steps += 1
        assert self.mask.undo().seq == self.steps
        self.plain.undo()

    @precondition(lambda self: self.plain.undone)
    @rule()
    def redo(self):
        assert self.mask.can_redo
        self.steps += 1
        assert self.mask.redo().seq == self.steps
        self.plain.redo()

    @rule()
    def reopen(self):
        self.mask.close()
        self.mask = MaskStore.open(self.path)

    @rule(stroke=strokes, writes=st.integers(0, 3))
    def crash_between_journal_and_pyramid(self, stroke, writes):
        """Die after some of the pixels were written, before they were all."""
        steps = self.mask.verify()
        with dying_after(Planes, "write", writes):
            self.mask.paint(stroke)
        self._die_and_reopen()
        if self.mask.verify() > steps:
            self.steps += 1
            self.plain.paint(stroke)

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
        self.steps += 1
        self.plain.undo()

    @invariant()
    def equals_the_plain_mask(self):
        assert_equal(self.mask, self.plain)
        assert self.mask.can_undo == bool(self.plain.done)
        assert self.mask.can_redo == bool(self.plain.undone)
        assert self.mask.verify() == self.steps

    def teardown(self):
        self.mask.close()
        self.patch.undo()
        shutil.rmtree(self.folder)

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
        self.mask._writer.close()
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
    max_examples=25,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestMask = MaskMachine.TestCase
