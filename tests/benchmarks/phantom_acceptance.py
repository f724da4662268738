"""Print how well drawn tissue meets what is asked of it.

Run ``python tests/benchmarks/phantom_acceptance.py`` for everything (about ten minutes
on one core), or name parts: ``seams levels speed colour``. Exits 1 where a number
misses its bound. ``--store-crops v2`` writes the crops that guard a new setting; crops
that exist are never written again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_histossl.geometry import Box
from napari_histossl.phantom import Drawing, PhantomSlide

DATA = Path(__file__).parents[1] / "data"
NAMES = {1: "tumour", 2: "stroma", 3: "lymphocytes", 4: "necrosis"}
SIDE_PX0 = 1024


@dataclass(frozen=True)
class Result:
    """One line of the table; `met` is None for a number without a bound."""

    what: str
    value: str
    bound: str = ""
    met: bool | None = None


def seams(setting: str, amount: float) -> Iterator[Result]:
    """Compare boxes with crops of larger ones, byte for byte."""
    rng = np.random.default_rng(0)
    for level in range(8):
        wrong = count = 0
        for _ in range(max(int(9 * amount), 1)):
            seed = int(rng.integers(1, 500))
            slide = PhantomSlide(seed, 100_000, 100_000, 0.5, setting=setting)
            box = _somewhere(slide, level, (200, 230), rng)
            y, x = int(rng.integers(0, 120)), int(rng.integers(0, 150))
            inner = Box(y, x, int(rng.integers(1, 80)), int(rng.integers(1, 80)))
            whole = slide.draw(box, level)
            part = slide.draw(inner.shifted(box.y, box.x), level)
            for name in ("rgb", "truth", "nuclei"):
                crop = getattr(whole, name)[inner.slices]
                wrong += not np.array_equal(getattr(part, name), crop)
                count += 1
        yield Result(
            f"downsample {2**level}: crops that differ",
            f"{wrong} of {count}",
            "0",
            wrong == 0,
        )


def _somewhere(
    slide: PhantomSlide,
    level: int,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Box:
    height, width = slide.levels[level].shape
    y, x = rng.uniform(0.3, 0.7, 2)
    return Box(int(y * height), int(x * width), *shape)


def levels(setting: str, amount: float) -> Iterator[Result]:
    """Compare coarse levels with the averaged, and the point-sampled, level 0."""
    regions = list(_regions(setting, max(int(40 * amount), 2)))
    for level in (1, 2, 3, 4):
        factor = 2**level
        apart, agreement = [], []
        by_class: dict[int, list[np.ndarray]] = {label: [] for label in NAMES}
        for slide, box, fine in regions:
            coarse = slide.draw(
                Box(box.y // factor, box.x // factor, *[SIDE_PX0 // factor] * 2), level
            )
            difference = coarse.rgb - _averaged(fine, factor)
            apart.append(difference.mean((0, 1)))
            sampled = fine.truth[factor // 2 :: factor, factor // 2 :: factor]
            agreement.append((coarse.truth == sampled).mean())
            for label, differences in by_class.items():
                if (coarse.truth == label).mean() > 0.1:
                    differences.append(difference[coarse.truth == label].mean(0))
        largest = np.abs(apart).max()
        yield Result(
            f"x{factor} colour of a region of {SIDE_PX0} px, worst of {len(apart)}",
            f"{largest:.2f} (mean {np.abs(apart).mean():.2f})",
            "4",
            largest <= 4,
        )
        for label, differences in by_class.items():
            value = np.abs(np.mean(differences, axis=0)).max()
            worst = np.abs(differences).max()
            yield Result(
                f"x{factor} colour of {NAMES[label]} over {len(differences)} regions",
                f"{value:.2f} (worst region {worst:.2f})",
                "4",
                bool(value <= 4),
            )
        share = float(np.mean(agreement))
        yield Result(
            f"x{factor} classes as at level 0",
            f"{share:.4f} (worst region {min(agreement):.4f})",
            "0.98",
            share >= 0.98,
        )


def _regions(setting: str, count: int) -> Iterator[tuple[PhantomSlide, Box, Drawing]]:
    rng = np.random.default_rng(5)
    seed = 0
    while count:
        seed += 1
        slide = PhantomSlide(seed, 40_000, 40_000, 0.5, setting=setting)
        y, x = (int(place) // 1024 * 1024 for place in rng.integers(12000, 27000, 2))
        box = Box(y, x, SIDE_PX0, SIDE_PX0)
        if (slide.truth(Box(y // 16, x // 16, 64, 64), 4) == 5).mean() > 0.3:
            continue
        count -= 1
        yield slide, box, slide.draw(box, 0)


def _averaged(drawing: Drawing, factor: int) -> np.ndarray:
    side = SIDE_PX0 // factor
    return drawing.rgb.reshape(side, factor, side, factor, 3).mean((1, 3))


def speed(setting: str, amount: float) -> Iterator[Result]:
    """Time tiles of 256 px that are mostly tissue, in processor time of one thread."""
    for level in range(8):
        rng = np.random.default_rng(level)
        times: list[float] = []
        while len(times) < max(int(40 * amount), 3):
            seed = int(rng.integers(1, 200))
            slide = PhantomSlide(seed, 60_000, 60_000, 0.5, setting=setting)
            if level >= len(slide.levels):
                return
            box = _somewhere(slide, level, (256, 256), rng)
            start = time.thread_time()
            picture = slide.read(box, level)
            taken = time.thread_time() - start
            if picture.size and (slide.truth(box, level) != 5).mean() > 0.6:
                times.append(1e3 * taken)
        median = float(np.median(times))
        required = level <= 4
        yield Result(
            f"{20 / 2**level:g} times: a tile of 256 px, median",
            f"{median:.1f} ms (95 %: {np.percentile(times, 95):.1f} ms)",
            "about 25 ms" if required else "",
            median <= 30 if required else None,
        )


def colour(setting: str, amount: float) -> Iterator[Result]:
    """Tell classes by a colour histogram, and by a small network."""
    import phantom_colour_trial as trial

    train, test = trial.draw_sets(setting, amount)
    yield Result("patches for training, for the test", f"{len(train)}, {len(test)}")
    for name, accuracy in trial.histogram_accuracies(train, test).items():
        required = name in trial.REQUIRED
        yield Result(
            f"colour histogram 8^3, 64 px, {name}",
            f"{accuracy:.3f}",
            "at most 0.85",
            accuracy <= 0.85 if required else None,
        )
    accuracy, seconds = trial.network_accuracy(train, test, amount)
    yield Result(
        f"small network, 128 px, trained {seconds:.0f} s",
        f"{accuracy:.3f}",
        "at least 0.95",
        accuracy >= 0.95,
    )


PARTS: dict[str, Callable[[str, float], Iterator[Result]]] = {
    "seams": seams,
    "levels": levels,
    "speed": speed,
    "colour": colour,
}

CROPS = (
    # seed, edge of the slide in px, um per px, level, place as shares of the level
    (125, 8000, 0.5, 0, 0.169, 0.250),  # border of the tissue
    (125, 8000, 0.5, 0, 0.704, 0.484),  # vessel with red cells
    (125, 8000, 0.5, 1, 0.633, 0.500),
    (3, 20000, 0.5, 0, 0.698, 0.326),
    (8, 20000, 0.5, 0, 0.744, 0.574),
    (8, 20000, 0.25, 1, 0.647, 0.656),
    (11, 30000, 0.499, 2, 0.344, 0.789),
    (14, 30000, 0.5, 2, 0.647, 0.656),
    (21, 40000, 0.5, 3, 0.813, 0.823),
    (30, 40000, 0.5, 4, 0.659, 0.406),
    (42, 60000, 0.5, 5, 0.464, 0.407),
    (85, 100000, 0.5, 6, 0.523, 0.261),
    (2**33 + 5, 100000, 1.0, 7, 0.164, 0.207),
)
CROP_PX = 64


def store_crops(setting: str) -> Path:
    """Write the crops that guard a setting; refuses where there are some."""
    path = DATA / f"phantom_{setting}.npz"
    if path.exists():
        raise SystemExit(f"{path} exists: a setting is frozen; add another beside it")
    places, scales, drawings = [], [], []
    for seed, side, mpp, level, y_share, x_share in CROPS:
        slide = PhantomSlide(seed, side, side, mpp, setting=setting)
        height, width = slide.levels[level].shape
        y, x = int(y_share * height), int(x_share * width)
        drawings.append(slide.draw(Box(y, x, CROP_PX, CROP_PX), level))
        places.append((seed, side, level, y, x, CROP_PX))
        scales.append(mpp)
    np.savez_compressed(
        path,
        places=np.array(places, np.int64),
        mpp=np.array(scales),
        rgb=np.stack([drawing.rgb for drawing in drawings]),
        truth=np.stack([drawing.truth for drawing in drawings]),
        nuclei=np.stack([drawing.nuclei for drawing in drawings]),
    )
    return path


def main() -> int:
    """Run the parts that were asked for; return 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], default=[])
    parser.add_argument("--setting", default="v1")
    parser.add_argument("--amount", type=float, default=1.0, help="share of the work")
    parser.add_argument("--store-crops", metavar="SETTING")
    chosen = parser.parse_args()
    if chosen.store_crops:
        print(f"wrote {store_crops(chosen.store_crops)}")
        return 0
    missed = 0
    for part in chosen.parts or PARTS:
        print(f"-- {part}")
        for result in PARTS[part](chosen.setting, chosen.amount):
            verdict = {None: "", True: "met", False: "MISSED"}[result.met]
            print(
                f"{result.what:<62} {result.value:<32} {result.bound:<13} {verdict}",
                flush=True,
            )
            missed += result.met is False
    return int(missed > 0)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
