"""A study to try the instrument with: drawn tissue against drawn tissue, no people.

No generator ships with this package. The "real" arm is drawn with the frozen setting
v1, the "synthetic" arm with a setting whose cells stand too regularly. Readers are
simulated but for one, whose pack waits to be opened. Everything says so.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from napari_histossl.errors import StudyError
from napari_histossl.jobs import Progress
from napari_histossl.phantom import sample_patches
from napari_histossl.study.checking import check_study, last_leaks
from napari_histossl.study.drafting import DesignPlan, draft_study
from napari_histossl.study.folder import StudyFolder
from napari_histossl.study.locking import lock_study, read_lock
from napari_histossl.study.packing import create_pack, pack_name
from napari_histossl.study.protocol import Protocol
from napari_histossl.study.sealing import write_private
from napari_histossl.study.simulation import simulate_folder
from napari_histossl.study.sources import Arm

VISITOR = "you"
"""The reader whose pack nobody has read."""

_SETTINGS = {"drawn, setting v1": "v1", "drawn, setting regular": "regular"}
_FIRST_SLIDE = 700
SLIDES = 12
"""Drawn slides of the sample study: 48 pictures of each arm."""

_PATCH_PX = 128
_MPP = 0.5
_CLASSES = (1, 2)
_PER_SLIDE = 2
"""Pictures of each tissue class from each slide and arm."""

_PROTOCOL = Protocol(
    title="Sample study: drawn tissue, simulated readers",
    readers=("simulated-1", "simulated-2", "simulated-3", "simulated-4"),
    training_per_class=4,
)
_D_PRIME = 0.6


def write_sample_study(
    folder: Path, seed: int = 1, slides: int = SLIDES
) -> Iterator[Progress]:
    """Draw, design, check and lock a sample study; let simulated readers read it.

    Parameters
    ----------
    folder : Path
        The study's folder to be made. Its key lies beside it, and so do the pack of
        the reader who is not simulated and the code that opens it.
    seed : int
        Decides everything that is drawn by chance.
    slides : int
        Drawn slides; each gives four pictures to each arm.

    Yields
    ------
    Progress
        Pictures taken in, then pictures checked.

    Raises
    ------
    StudyError
        If the folder exists or cannot be written.
    """
    with tempfile.TemporaryDirectory() as drawn:
        arms = tuple(
            _draw_arm(Path(drawn), name, setting, range(slides), number)
            for number, (name, setting) in enumerate(_SETTINGS.items())
        )
        yield from draft_study(DesignPlan(folder, _PROTOCOL, arms, None, _MPP, seed))
    made = StudyFolder(folder)
    yield from check_study(made)
    leaks = last_leaks(made).leaks
    study = lock_study(
        made, override="drawn sample, made to try the instrument" if leaks else ""
    )
    simulate_folder(study, made.key, _D_PRIME, seed)
    pack = folder.with_name(pack_name(study, VISITOR))
    code = create_pack(study, made.key, VISITOR, pack)
    write_private(folder.with_name(f"{folder.name}-{VISITOR}.code"), code.encode())


def visitor_pack(folder: StudyFolder) -> tuple[Path, str]:
    """Return the pack that waits to be read beside a sample study, and its code.

    Raises
    ------
    StudyError
        If the study is not locked, or the code is not beside it.
    """
    code = folder.path.with_name(f"{folder.path.name}-{VISITOR}.code")
    try:
        text = code.read_text(encoding="utf-8")
    except OSError as error:
        raise StudyError(f"{code} cannot be read: {error.strerror}") from error
    return folder.path.with_name(pack_name(read_lock(folder), VISITOR)), text


def _draw_arm(folder: Path, name: str, setting: str, slides: range, number: int) -> Arm:
    """Draw the pictures of an arm, with a list that names slide and stratum."""
    patches = sample_patches(
        [_FIRST_SLIDE + slide for slide in slides],
        _PER_SLIDE,
        patch_px=_PATCH_PX,
        mpp=_MPP,
        classes=_CLASSES,
        setting=setting,
        random_state=number,
    )
    rows = []
    for place, (picture, slide) in enumerate(
        zip(patches.images, patches.seeds, strict=True)
    ):
        file = folder / f"{setting}-{place:03d}.png"
        Image.fromarray(picture).save(file)
        # The same stain stands in both arms: it is what is matched.
        rows.append((file.name, f"{setting} {slide}", f"stain {slide}"))
    patch_list = folder / f"{setting}.csv"
    with patch_list.open("w", newline="", encoding="utf-8") as sink:
        writer = csv.writer(sink)
        writer.writerow(("path", "cluster", "stratum"))
        writer.writerows(rows)
    return Arm(name=name, synthetic=setting != "v1", source=str(patch_list))
