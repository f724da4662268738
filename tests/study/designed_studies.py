"""Designed studies of drawn pictures, for several test files."""

from pathlib import Path

import numpy as np
from PIL import Image

from napari_histossl.study.checking import check_study
from napari_histossl.study.drafting import DesignPlan, draft_study
from napari_histossl.study.folder import StudyFolder
from napari_histossl.study.locking import lock_study
from napari_histossl.study.packing import create_pack
from napari_histossl.study.protocol import Protocol
from napari_histossl.study.session import Session
from napari_histossl.study.sources import Arm

PER_CLASS = 20


def draw_arm(folder: Path, count: int, seed: int, size_px: int = 16) -> Path:
    """Draw different pictures that have nothing to do with their class."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (size_px, size_px, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"slide{number // 4}_{number}.png")
    return folder


def plan_of(folder: Path, per_class: int = PER_CLASS, seed: int = 3, **changes):
    """Plan a study of real pictures and two generators, catch pictures, training."""
    sources = folder / "sources"
    pattern = r"^(slide\d+)_"
    arms = (
        Arm(
            name="real",
            synthetic=False,
            source=str(draw_arm(sources / "bank", per_class + 3, 10 * seed + 1)),
            count=per_class,
            cluster_pattern=pattern,
        ),
        *(
            Arm(
                name=name,
                synthetic=True,
                source=str(draw_arm(sources / name, per_class // 2 + 2, 10 * seed + k)),
                count=per_class // 2,
            )
            for k, name in ((2, "gan"), (3, "diffusion"))
        ),
        *(
            Arm(
                name=f"plain {kind}",
                synthetic=kind,
                source=str(
                    draw_arm(sources / f"plain-{kind}", 2, 10 * seed + 4 + kind)
                ),
                role="catch",
            )
            for kind in (False, True)
        ),
    )
    protocol = {"readers": ("anna", "bert"), "training_per_class": 3, **changes}
    return DesignPlan(
        folder / "colon", Protocol(**protocol), arms, mpp=0.5, seed=bytes([seed]) * 32
    )


def lock(folder: Path, **options):
    """Return a locked study, ready to be packed."""
    plan = plan_of(folder, **options)
    for _step in draft_study(plan):
        pass
    made = StudyFolder(plan.folder)
    for _step in check_study(made):
        pass
    return lock_study(made, override="drawn at random")


def read_all(path: Path, code: str, reader: str, most: int | None = None) -> list[str]:
    """Answer by an own coin; return the names of what was shown."""
    rng = np.random.default_rng(len(reader))
    shown = []
    with Session.open(path, reader, code=code) as session:
        while (case := session.next()) is not None and len(shown) != most:
            shown.append(case.case_id)
            session.answer(
                case.case_id, rng.random() < 0.5, int(rng.integers(1, 4)), 1000
            )
    return shown


def pack(study, folder: Path, reader: str, **options):
    """Return a pack and its code."""
    path = folder / f"{reader}.pack.histostudy.sqlite"
    return path, create_pack(study, study.folder.key, reader, path, **options)
