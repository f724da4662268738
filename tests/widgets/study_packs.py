"""A pack with everything that can be asked, for tests of the reading window."""

from pathlib import Path

import numpy as np
from PIL import Image

from napari_histossl.study.checking import check_study
from napari_histossl.study.drafting import DesignPlan, draft_study
from napari_histossl.study.folder import StudyFolder
from napari_histossl.study.locking import lock_study
from napari_histossl.study.packing import create_pack
from napari_histossl.study.protocol import Protocol
from napari_histossl.study.sources import Arm

PER_CLASS = 4
TRAINING = 2
SIZE_PX = 96
EVERYTHING = {
    "title": "Colon",
    "readers": ("anna",),
    "training_per_class": TRAINING // 2,
    "repeat_share": 0.0,
    "third_question": "Which tissue is it?",
    "third_choices": ("tumour", "stroma", "other"),
    "reasons": ("blur", "grid", "nuclei"),
    "mark": True,
    "way_back": True,
    "break_after": 3,
}


def draw(folder: Path, count: int, seed: int) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        coarse = rng.integers(60, 250, (12, 12, 3)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize((SIZE_PX, SIZE_PX), 3)
        picture.save(folder / f"{number}.png")
    return folder


def lock(folder: Path, **changes) -> tuple[StudyFolder, object]:
    """Design, check and lock a small study in a folder."""
    count = PER_CLASS + TRAINING // 2
    arms = tuple(
        Arm(name=name, synthetic=made, source=str(draw(folder / name, count, seed)))
        for name, made, seed in (("bank", False, 1), ("machine", True, 2))
    )
    plan = DesignPlan(
        folder / "colon", Protocol(**{**EVERYTHING, **changes}), arms, seed=7
    )
    for _step in draft_study(plan):
        pass
    made = StudyFolder(plan.folder)
    for _step in check_study(made):
        pass
    return lock_study(made, override="drawn by chance")


def make_pack(study, path: Path, condition: str = "") -> str:
    """Make the pack of anna; return its code."""
    return create_pack(study, study.folder.key, "anna", path, condition)
