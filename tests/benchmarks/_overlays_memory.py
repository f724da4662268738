"""Compute the first 500 tissue tiles of a slide of some size; print the peak memory.

python tests/benchmarks/_overlays_memory.py WEIGHTS FOLDER EDGE TILES [NAME]
"""

import resource
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_histossl.geometry import Box, Level
from napari_histossl.overlays import RunPlan, run
from napari_histossl.panels import AttentionChoice, gather, resolve
from napari_histossl.slide import Slide, TissueMap, find_tissue


@dataclass(frozen=True)
class CheapSource:
    """A slide of any size that costs next to nothing to read."""

    edge: int
    fingerprint: str = "cheap"

    @property
    def name(self) -> str:
        return f"cheap {self.edge}"

    def open(self) -> "CheapSlide":
        return CheapSlide(self)


class CheapSlide(Slide):
    """Tissue with nuclei inside a disc, glass around it; levels step by four."""

    mpp_yx = (0.5, 0.5)

    def __init__(self, source: CheapSource) -> None:
        self.source = source
        steps = [4**k for k in range(8) if source.edge // 4**k >= 300]
        self.levels = tuple(Level((source.edge // s,) * 2, float(s)) for s in steps)
        noise = np.random.default_rng(0).normal(0, 25, (1024, 1024, 1))
        tissue = (np.array([200, 120, 170]) + noise).clip(0, 255)
        self._tissue = np.tile(tissue.astype(np.uint8), (2, 2, 1))

    def _read_inside(self, box: Box, level: int) -> np.ndarray:
        y, x = box.y % 1024, box.x % 1024
        picture = np.empty((*box.shape, 3), np.uint8)
        for top in range(0, box.height, 1024):
            for left in range(0, box.width, 1024):
                part = picture[top : top + 1024, left : left + 1024]
                part[...] = self._tissue[y : y + part.shape[0], x : x + part.shape[1]]
        middle = self.levels[level].shape[0] / 2
        rows = (np.arange(box.y, box.y1) - middle)[:, None]
        columns = (np.arange(box.x, box.x1) - middle)[None]
        picture[rows**2 + columns**2 > (0.7 * middle) ** 2] = 244
        return picture

    def close(self) -> None:
        """Nothing is open."""


def planned(
    weights: str, folder: str, edge: int, name: str
) -> tuple[CheapSource, RunPlan]:
    """Return the slide and a plan; the tissue map is let go."""
    with CheapSource(edge).open() as slide:
        labels = np.load(Path(folder, f"{edge}.npy"))
        tissue = TissueMap(labels, slide.levels[0].shape[0] / len(labels))
        choice = AttentionChoice(
            weights=Path(weights), workspace=Path(folder), name=name, batch=16
        )
        return slide.source, resolve(choice, gather(choice, slide, tissue))


def main(weights: str, folder: str, edge: int, tiles: int, name: str = "") -> None:
    if not tiles:
        with CheapSource(edge).open() as slide:
            np.save(Path(folder, f"{edge}.npy"), find_tissue(slide).labels)
        return
    source, plan = planned(weights, folder, edge, name)
    for _ in run(source, replace(plan, tiles_ij=plan.tiles_ij[:tiles])):
        pass
    print(len(plan.tiles_ij), peak_mb())


def peak_mb() -> float:
    """Return the most memory that this program has held."""
    status = Path("/proc/self/status")
    if status.exists():  # `getrusage` begins with what the parent held
        line = next(x for x in status.read_text().split("\n") if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
