"""A scripted sitting: a proposal, twenty corrections, a head, another proposal.

The slide is drawn, so its truth is known. Squares of 256 um take turns: in every other
one the twenty brush strokes are made, the rest is never touched, and measured.
Strokes go to the classes in turn, each to the largest place of its class that the
proposal has wrong and is not corrected yet. The head sees the mask alone, as it does
for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.geometry import Box
from napari_histossl.metrics import Confusion
from napari_histossl.overlays import run
from napari_histossl.overlays.class_proposal import ClassProposal, LabelChoice
from napari_histossl.panels import gather
from napari_histossl.panels.correct import MaskChoice, resolve, start_mask
from napari_histossl.panels.learn import LearnChoice, resolve_learning
from napari_histossl.panels.learn_job import learn
from napari_histossl.panels.learn_report import read_report
from napari_histossl.panels.segmentation import (
    SegmentationChoice,
    resolve_segmentation,
)
from napari_histossl.panels.tissue import saved_or_found
from napari_histossl.phantom import PhantomSlide
from napari_histossl.resources import sample_file
from napari_histossl.store import paths

TISSUE = (1, 2, 3, 4)
"""Classes that are measured. Bright glass, also between cells, has no label before and
after, by the same rule, and is left out."""

LEAST_SHARE = 0.01
"""Of what is measured: a class that is rarer does not enter a mean of classes."""

CELL_PX = 8
"""Truth and proposals are compared, and places for strokes looked for, every 4 um."""

SQUARE = 64
"""Edge of a square in cells."""

BRUSH_PX = 40
"""Largest radius of the brush: 20 um."""

LEAST_DEPTH = 2
"""Cells to the edge of the smallest wrong place that is corrected: 16 um across."""

REACH = 12
"""Cells that a stroke goes from where it begins: 48 um."""


@dataclass(frozen=True)
class Sitting:
    """What came of a sitting, on squares that were never touched."""

    before: Confusion
    after: Confusion
    strokes: int
    report: object

    @property
    def classes(self) -> list[int]:
        """Places in `TISSUE` of the classes that count."""
        support = self.before.support
        return np.flatnonzero(support >= LEAST_SHARE * support.sum()).tolist()

    @property
    def iou_before(self) -> float:
        return float(self.before.iou[self.classes].mean())

    @property
    def iou_after(self) -> float:
        return float(self.after.iou[self.classes].mean())

    @property
    def gain(self) -> float:
        return self.iou_after - self.iou_before


class Reader:
    """Somebody who knows the truth, at a slide with a proposal."""

    def __init__(self, seed: int, size: int, workspace: Path) -> None:
        self.slide = PhantomSlide(seed, size, size, 0.5)
        self.workspace = workspace
        self.folder = paths.results_folder(self.slide.source, workspace)
        self.tissue = saved_or_found(self.slide, self.folder)
        self.proposal = self._segment()
        cells = np.arange(size // CELL_PX)
        rows, columns = np.meshgrid(cells, cells, indexing="ij")
        self.is_held_out = (rows // SQUARE + columns // SQUARE) % 2 == 1
        self.truth = self._truth(size)
        self.before = self._cells(self.proposal)

    def sit(self, name: str, count: int = 20, shuffled: int | None = None) -> Sitting:
        """Correct a new mask, learn from it, and measure what is proposed then."""
        strokes = self.strokes(count)
        if shuffled is not None:
            classes = [stroke.class_index for stroke in strokes]
            mixed = np.random.default_rng(shuffled).permutation(classes)
            strokes = [
                Stroke(stroke.points_px0, stroke.radius_px0, int(index))
                for stroke, index in zip(strokes, mixed, strict=True)
            ]
        choice = MaskChoice(name=name, labels=LabelChoice(self.proposal))
        plan = resolve(choice, self.slide, self.folder)
        list(start_mask(plan))
        with MaskStore.open(plan.path) as mask:
            for stroke in strokes:
                mask.paint(stroke)
        out, head = self._learn(name)
        after = self._cells(out)
        is_measured = self.is_held_out & (self.before > 0) & (after > 0)
        return Sitting(
            self._counted(self.before, is_measured),
            self._counted(after, is_measured),
            len(strokes),
            read_report(head),
        )

    def strokes(self, count: int) -> list[Stroke]:
        """Return corrections of all classes in turn, the largest places first."""
        is_open = (self.before != self.truth) & (self.before > 0)
        is_open &= np.isin(self.truth, TISSUE) & ~self.is_held_out
        made, waiting = [], [*TISSUE]
        while waiting and len(made) < count:
            index = waiting.pop(0)
            same = np.pad(is_open & (self.truth == index), 1)
            depth = ndimage.distance_transform_edt(same)[1:-1, 1:-1]
            start = np.unravel_index(depth.argmax(), depth.shape)
            if depth[start] < LEAST_DEPTH:
                continue
            waiting.append(index)
            path, radius = self._path(depth, start)
            points = (path + 0.5) * CELL_PX
            made.append(Stroke(points, radius * CELL_PX, index))
            for row, column in path:  # and what lies beside it is left for later
                y, x = np.ogrid[: depth.shape[0], : depth.shape[1]]
                is_open[(y - row) ** 2 + (x - column) ** 2 <= (radius + 2) ** 2] = False
        return made

    # ---- Details

    def _path(self, depth, start):
        """Return cells along a wrong place, and the radius that stays inside there."""
        radius = min(float(depth[start]), BRUSH_PX / CELL_PX)
        region, _ = ndimage.label(depth >= 0.8 * radius, np.ones((3, 3)))
        cells = np.argwhere(region == region[start])
        away = np.abs(cells - start).max(1)
        cells = cells[away <= REACH]
        offsets = cells - cells.mean(0)
        along = offsets @ np.linalg.svd(offsets, full_matrices=False)[2][0]
        return cells[np.argsort(along)][:: max(len(cells) // 8, 1)], radius

    def _truth(self, size: int) -> np.ndarray:
        whole = np.empty((size, size), np.uint8)
        for y in range(0, size, 512):
            for x in range(0, size, 512):
                box = Box(y, x, min(512, size - y), min(512, size - x))
                whole[box.slices] = self.slide.truth(box, 0)
        half = CELL_PX // 2
        return whole[half::CELL_PX, half::CELL_PX]

    def _segment(self) -> Path:
        choice = SegmentationChoice(
            weights=sample_file("segmenter_sample.safetensors"),
            workspace=self.workspace,
        )
        plan = resolve_segmentation(choice, gather(choice, self.slide, self.tissue))
        list(run(self.slide.source, plan))
        return Path(plan.out)

    def _learn(self, name: str) -> tuple[Path, Path]:
        choice = LearnChoice(mask=name, workspace=self.workspace)
        plan = resolve_learning(choice, gather(choice, self.slide, self.tissue))
        list(learn(self.slide.source, plan))
        return plan.out, plan.head

    def _cells(self, path: Path) -> np.ndarray:
        labels = ClassProposal.open(LabelChoice(path), CELL_PX)
        return labels.read(Box(0, 0, *self.truth.shape))

    def _counted(self, said: np.ndarray, is_measured: np.ndarray) -> Confusion:
        truth, guess = self.truth[is_measured], said[is_measured]
        counts = np.array(
            [[((truth == t) & (guess == g)).sum() for g in TISSUE] for t in TISSUE]
        )
        return Confusion(counts, np.zeros(len(TISSUE), np.int64))


def row(seed: int, sitting: Sitting, shuffled: Sitting) -> str:
    """Return a line of the table in the README of the sample data."""
    names = [DEFAULT_CLASSES[TISSUE[place]].name for place in sitting.classes]
    return (
        f"| {seed} | {', '.join(names)} | {sitting.strokes} | {sitting.iou_before:.3f} "
        f"| {sitting.iou_after:.3f} | {sitting.gain:+.3f} | {shuffled.gain:+.3f} |"
    )
