"""A mask as plain numpy arrays, and a script of steps: what tests compare with.

Also run as a program: ``plain.py PATH`` opens the mask and takes the steps of the
script one after another, printing the number of each once it is confirmed.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
from scipy import ndimage

from napari_histossl.annotate import Kind, MaskStore, Polygon, Stroke, _blocks
from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.geometry import Box

SHAPE = (600, 560)
HUMAN = 3
SMALL_BLOCK_PX = 256
"""So that a stroke over a small mask is a large one."""


class PlainMask:
    """Labels and origin in memory; undo by keeping everything there ever was."""

    def __init__(self, shape):
        self.planes = np.zeros((2, *shape), np.uint8)
        self.done, self.undone = [], []

    @property
    def labels(self):
        return self.planes[0]

    @property
    def origin(self):
        return self.planes[1]

    def paint(self, stroke):
        """Paint, and tell whether a pixel is covered; if not, nothing is done."""
        covered = covered_by(stroke, self.labels.shape)
        covered &= ~np.isin(self.labels, stroke.spared)
        if covered.any():
            self.set(covered, stroke.class_index)
        return bool(covered.any())

    def fill(self, fill):
        whole = Box(0, 0, *self.labels.shape)
        within = fill.within_px0.intersection(whole)
        y, x = fill.at_px0
        old = self.labels[y, x]
        groups, _count = ndimage.label(self.labels[within.slices] == old)
        covered = np.zeros(self.labels.shape, bool)
        covered[within.slices] = groups == groups[y - within.y, x - within.x]
        if old != fill.class_index:
            self.set(covered, fill.class_index)
        return bool(old != fill.class_index)

    def take(self, take, proposal):
        covered = covered_by(take, self.labels.shape) & (proposal != 0)
        covered &= ~np.isin(self.labels, take.spared)
        if take.removes:
            covered &= self.labels == proposal
        if covered.any() and take.removes:
            self.set(covered, 0)
        elif covered.any():
            self.set(covered, proposal, origin=2)
        return bool(covered.any())

    def nothing(self):
        """A step that changes no pixel."""
        self.set(np.zeros(self.labels.shape, bool), 0)

    def set(self, covered, values, origin=HUMAN):
        self.done.append(self.planes.copy())
        self.undone.clear()
        self.labels[covered] = np.broadcast_to(values, covered.shape)[covered]
        self.origin[covered] = origin

    def paint_region(self, box, values, where=None):
        whole = Box(0, 0, *self.labels.shape)
        inside = box.intersection(whole)
        if inside is None:
            return False
        part = inside.shifted(-box.y, -box.x).slices
        wanted = self.labels.copy()
        wanted[inside.slices] = np.broadcast_to(values, box.shape)[part]
        covered = wanted != self.labels
        if where is not None:
            covered[:] = False
            covered[inside.slices] = np.broadcast_to(where, box.shape)[part]
        if covered.any():
            self.set(covered, wanted)
        return bool(covered.any())

    def undo(self):
        self.undone.append(self.planes)
        self.planes = self.done.pop()

    def redo(self):
        self.done.append(self.planes)
        self.planes = self.undone.pop()


def covered_by(stroke, shape):
    """Distance to each segment, or crossings left of it, at each pixel: slow, plain."""
    if hasattr(stroke, "rings_px0"):
        return enclosed_by(stroke.rings_px0, shape)
    points = stroke.points_px0.astype(float)
    ends = points if len(points) > 1 else np.repeat(points, 2, axis=0)
    y, x = np.indices(shape, float)
    covered = np.zeros(shape, bool)
    for (ay, ax), (by, bx) in pairwise(ends):
        uy, ux = by - ay, bx - ax
        t = ((y - ay) * uy + (x - ax) * ux) / max(uy**2 + ux**2, 1e-300)
        t = np.clip(t, 0, 1)
        distance2 = (y - ay - t * uy) ** 2 + (x - ax - t * ux) ** 2
        covered |= distance2 <= stroke.radius_px0**2
    return covered


def enclosed_by(rings, shape):
    y, x = np.indices(shape)
    inside = np.zeros(shape, bool)
    for ring in rings:
        corners = ring.astype(int)
        assert (corners == ring).all()  # whole pixels: exact
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            (ay, ax), (by, bx) = sorted([tuple(a.tolist()), tuple(b.tolist())])
            right = (x - ax) * (by - ay) >= (y - ay) * (bx - ax)
            inside ^= (ay <= y) & (y < by) & right
    return inside


def coarser(plane, rank):
    """Halve a plane: of each 2 x 2 block the value of highest rank."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    ranks = np.array([rank(value) for value in range(256)], np.int8)
    first, *others = (padded[i::2, j::2] for i in (0, 1) for j in (0, 1))
    for other in others:
        first = np.where(ranks[other] > ranks[first], other, first)
    return first


def class_rank(value):
    return {0: -1, **{c.index: c.priority for c in DEFAULT_CLASSES}}.get(value, -2)


def origin_rank(value):
    return min(value, 100)


def assert_equal(mask, plain):
    """Both planes at level 0, and at every level where no block is owed."""
    labels, origin = plain.labels, plain.origin
    levels = mask.levels[:1] if mask.owed_blocks else mask.levels
    for level, info in enumerate(levels):
        box = Box(0, 0, *info.shape)
        np.testing.assert_array_equal(mask.read(box, level), labels, f"level {level}")
        np.testing.assert_array_equal(
            mask.origin(box, level), origin, f"origin, level {level}"
        )
        labels, origin = (
            coarser(labels, class_rank),
            coarser(origin, origin_rank),
        )


def assert_nothing_vanishes_from_afar(mask, plain):
    """What is owed may be wider at edges on coarser levels, and hides no label."""
    labels = plain.labels
    for level, info in enumerate(mask.levels[1:], start=1):
        labels = coarser(labels, class_rank)
        assert mask.read(Box(0, 0, *info.shape), level)[labels > 0].all()


def scripted_stroke(number):
    rng = np.random.default_rng(number)
    if number % 7 == 6:
        corners = rng.integers(-60, 650, (int(rng.integers(3, 6)), 2))
        return Polygon(corners, number % 6)
    points = rng.uniform(-50, 620, (1, 2)) + np.cumsum(
        rng.integers(-30, 30, (int(rng.integers(1, 8)), 2)), axis=0
    )
    # whole pixels: no distance is the radius but for rounding
    return Stroke(np.round(points), float(rng.integers(1, 60)) + 0.3, number % 6)


def scripted_step(mask, number):
    """Take one step; strokes, and every fifth time undo or redo."""
    if number % 5 == 3:
        return mask.undo()
    if number % 10 == 4:
        return mask.redo()
    return mask.paint(scripted_stroke(number))


def scripted_upkeep(mask, number):
    """Now and then fill some of what is owed, all of it, or compact the journal."""
    if number % 4 == 1:
        for _progress in zip(range(3), mask.settle(), strict=False):
            pass
    if number % 16 == 9:
        list(mask.settle())
    if number % 12 == 7:
        list(mask.compact())


def plain_after(step_count):
    """Return what the script makes of an empty mask, counting steps that change it."""
    plain, number, taken = PlainMask(SHAPE), 0, 0
    while taken < step_count:
        if number % 5 == 3:
            taken += bool(plain.done)
            if plain.done:
                plain.undo()
        elif number % 10 == 4:
            taken += bool(plain.undone)
            if plain.undone:
                plain.redo()
        else:
            taken += plain.paint(scripted_stroke(number))
        number += 1
    return plain


def steps_of(mask):
    """Return how many steps of a person are in the journal."""
    return sum(entry.kind is not Kind.FILLED for entry in mask.entries())


def main(path):
    _blocks.BLOCK_PX = SMALL_BLOCK_PX
    with MaskStore.open(path) as mask:
        steps = 0
        for number in range(100_000):
            receipt = scripted_step(mask, number)
            if receipt.seq is not None:
                steps += 1
                print(steps, flush=True)
            scripted_upkeep(mask, number)


if __name__ == "__main__":
    main(sys.argv[1])
