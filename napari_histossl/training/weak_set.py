"""A set of drawn patches to learn a segmentation from patch labels.

In train only the file names tell what is on a patch; validation and test have masks;
the slides of the three are apart. Lymphocytes and necrosis are as rare as they are on
the slides. ``train_masks`` keeps the truth of train for comparison alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import DEFAULT_CLASSES, ClassTable
from napari_histossl.errors import DataSetError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.phantom.patches import SLIDE_UM, TISSUE
from napari_histossl.phantom.slide import PhantomSlide, PhantomSource
from napari_histossl.store.masks import write_values_png
from napari_histossl.store.provenance import describe
from napari_histossl.store.whole import written_whole
from napari_histossl.training.named_labels import TRUE_MASKS
from napari_histossl.training.set_description import SetDescription

CLASSES = ClassTable([DEFAULT_CLASSES[index] for index in TISSUE])
"""The classes of drawn patches; the glass of a drawn slide is excluded."""

EXCLUDE = len(CLASSES)
"""Value of glass in the masks."""

_MIDDLE = (0.2, 0.8)
"""Part of a slide from which patches are taken; round it there is only glass."""

_TRIES = 50
"""Places looked at for each patch before a slide is taken to hold no more."""


@dataclass(frozen=True, slots=True)
class WeakSet:
    """All that decides which patches are drawn.

    Attributes
    ----------
    train_seeds, val_seeds, test_seeds : range
        Slides of each part.
    per_slide : int
        Patches of each slide.
    patch_px : int
        Edge of a patch in pixels.
    mpp : float
        Micrometres per pixel.
    least_share : float
        A patch is labelled with a class that covers at least this share of it.
    least_tissue : float
        Share of a patch that is not glass, at least.
    setting : str
        Name of the constants of the drawing.
    """

    train_seeds: range
    val_seeds: range
    test_seeds: range
    per_slide: int = 25
    patch_px: int = 128
    mpp: float = 1.0
    least_share: float = 0.02
    least_tissue: float = 0.5
    setting: str = "v1"


WEAK_SETS = MappingProxyType(
    {"weak-1": WeakSet(range(1001, 1097), range(1101, 1113), range(1201, 1217))}
)
"""The sets by name: what is once in this table never changes, as results name it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Patch:
    name: str
    rgb: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def draw_weak_set(
    folder: str | Path, name: str = "weak-1", *, slides: int | None = None
) -> Iterator[Progress]:
    """Draw such a set into a folder.

    Parameters
    ----------
    folder : str or Path
        New or empty, or left by a drawing that was interrupted.
    name : str
        Which set of `WEAK_SETS`.
    slides : int, optional
        Take only the first slides of each part, for a trial.

    Yields
    ------
    Progress
        After each slide.

    Raises
    ------
    DataSetError
        If there is no such set, or something else is in the folder.
    StoreError
        If a file cannot be written.
    """
    plan, root = _plan(name, slides), Path(folder)
    _make_room(root)
    parts = {"train": plan.train_seeds, "val": plan.val_seeds, "test": plan.test_seeds}
    slides_of = [(part, seed) for part, seeds in parts.items() for seed in seeds]
    counts = {part: np.zeros(1 + len(CLASSES), int) for part in parts}
    for done, (part, seed) in enumerate(slides_of, 1):
        for patch in _patches(plan, seed):
            _save(root, part, patch)
            counts[part] += [1, *_held(patch.mask, plan.least_share)]
        yield Progress(done, len(slides_of), message=f"{part}, slide {seed}")
    _write_description(root, name, plan, counts)


def _plan(name: str, slides: int | None) -> WeakSet:
    if name not in WEAK_SETS:
        raise DataSetError(
            f"there is no drawn set {name!r}; known: {', '.join(WEAK_SETS)}"
        )
    plan = WEAK_SETS[name]
    if slides is None:
        return plan
    return replace(
        plan,
        train_seeds=plan.train_seeds[:slides],
        val_seeds=plan.val_seeds[:slides],
        test_seeds=plan.test_seeds[:slides],
    )


def _make_room(root: Path) -> None:
    ours = {"train", TRUE_MASKS, "val", "test"}
    there = {path.name for path in root.iterdir()} if root.is_dir() else set()
    if there - ours:
        raise DataSetError(
            f"{root} holds {min(there - ours)} already; name a new folder"
        )
    for part in ("train", TRUE_MASKS, "val/img", "val/mask", "test/img", "test/mask"):
        (root / part).mkdir(parents=True, exist_ok=True)


def _patches(plan: WeakSet, seed: int) -> Iterator[_Patch]:
    side = round(SLIDE_UM / plan.mpp)
    slide = PhantomSource(seed, side, side, plan.mpp, plan.setting).open()
    for box in _places(slide, plan, np.random.default_rng(seed)):
        drawing = slide.draw(box, 0)
        mask = _values(drawing.truth)
        digits = "".join(str(int(held)) for held in _held(mask, plan.least_share))
        name = f"drawn{seed}_y{box.y}_x{box.x}[{digits}].png"
        yield _Patch(name, drawing.rgb, mask)


def _places(
    slide: PhantomSlide, plan: WeakSet, rng: np.random.Generator
) -> Iterator[Box]:
    """Yield boxes on tissue, anywhere, that do not overlap."""
    taken: list[Box] = []
    height, width = slide.levels[0].shape
    for _ in range(_TRIES * plan.per_slide):
        if len(taken) == plan.per_slide:
            return
        y, x = np.floor(rng.uniform(*_MIDDLE, 2) * (height, width)).astype(int).tolist()
        box = Box(y, x, plan.patch_px, plan.patch_px)
        if any(box.intersection(other) is not None for other in taken):
            continue
        if (_values(slide.truth(box, 0)) != EXCLUDE).mean() >= plan.least_tissue:
            taken.append(box)
            yield box


def _values(truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return classes from 0, and glass as what is excluded."""
    table = np.full(256, EXCLUDE, np.uint8)
    for value, index in enumerate(TISSUE):
        table[index] = value
    return table[truth]


def _held(mask: NDArray[np.uint8], least_share: float) -> NDArray[np.bool_]:
    counts = np.bincount(mask.ravel(), minlength=EXCLUDE + 1)[:EXCLUDE]
    return counts >= least_share * mask.size


def _save(root: Path, part: str, patch: _Patch) -> None:
    from PIL import Image

    images, masks = (
        (root / "train", root / TRUE_MASKS)
        if part == "train"
        else (root / part / "img", root / part / "mask")
    )
    with written_whole(images / patch.name) as temporary:
        Image.fromarray(patch.rgb).save(temporary, format="PNG")
    write_values_png(masks / patch.name, patch.mask, CLASSES, EXCLUDE)


def _write_description(
    root: Path, name: str, plan: WeakSet, counts: dict[str, NDArray[np.int_]]
) -> None:
    columns = ("patches", *(f"with {info.name}" for info in CLASSES))
    parameters = {
        key: [value.start, value.stop] if isinstance(value, range) else value
        for key, value in asdict(plan).items()
    }
    SetDescription(CLASSES, plan.mpp, EXCLUDE).write(
        root,
        name=name,
        counts={
            part: dict(zip(columns, numbers.tolist(), strict=True))
            for part, numbers in counts.items()
        },
        provenance=describe(model="drawn tissue", parameters=parameters),
    )
