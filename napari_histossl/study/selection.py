"""Which pictures of two folders become cases, and taking them in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import StudyError
from napari_histossl.study.crops import SAME_SCALE, area_mean
from napari_histossl.study.order import derive, shuffle
from napari_histossl.study.pictures import (
    cut_centre,
    encode_png,
    list_pictures,
    read_picture,
)
from napari_histossl.study.plan import StudyPlan

_FEWEST_PER_CLASS = 2


@dataclass(frozen=True, slots=True)
class ChosenPicture:
    """A file of one of the two classes."""

    synthetic: bool
    path: Path


def choose_pictures(plan: StudyPlan, seed: bytes) -> dict[str, ChosenPicture]:
    """Choose equally many pictures of each class.

    Parameters
    ----------
    plan : StudyPlan
        Folders and number.
    seed : bytes
        The sealed seed of the study.

    Returns
    -------
    dict of str to ChosenPicture
        By new, random-looking case id.

    Raises
    ------
    StudyError
        If a folder is missing, holds too few pictures, or is given twice.
    """
    real = list_pictures(plan.real_folder)
    synthetic = list_pictures(plan.synthetic_folder)
    if plan.real_folder.samefile(plan.synthetic_folder):
        raise StudyError(
            f"both classes come from the same folder {plan.real_folder}; choose two"
        )
    count = _count_per_class(plan, len(real), len(synthetic))
    chosen: dict[str, ChosenPicture] = {}
    for is_synthetic, paths in ((False, real), (True, synthetic)):
        by_name = {path.name: path for path in paths}
        purpose = f"choice/{is_synthetic}"
        for name in shuffle(seed, purpose, list(by_name))[:count]:
            case_id = derive(seed, f"id/{is_synthetic}/{name}").hex()[:16]
            chosen[case_id] = ChosenPicture(is_synthetic, by_name[name])
    return chosen


def _count_per_class(plan: StudyPlan, real: int, synthetic: int) -> int:
    count = min(real, synthetic) if plan.per_class is None else plan.per_class
    if count < _FEWEST_PER_CLASS or count > min(real, synthetic):
        raise StudyError(
            f"a study needs at least {max(count, _FEWEST_PER_CLASS)} pictures of each "
            f"class; found {real} real in {plan.real_folder} and {synthetic} synthetic "
            f"in {plan.synthetic_folder}; add pictures"
            + ("" if plan.per_class is None else " or ask for fewer")
        )
    return count


def seed_bytes(seed: bytes | int | None) -> bytes:
    """Return the seed as bytes; 32 new random bytes for None."""
    if seed is None:
        return secrets.token_bytes(32)
    if isinstance(seed, bytes):
        return seed
    return hashlib.sha256(f"study seed {seed}".encode()).digest()


class PictureTaker:
    """Takes pictures in, all in one shape, none twice.

    Parameters
    ----------
    size_px : int or None
        Edge of the centre square to cut; None takes the shape of the first picture.
    """

    def __init__(self, size_px: int | None) -> None:
        self.shape = (0, 0) if size_px is None else (size_px, size_px)
        self._first: Path | None = None
        self._seen: dict[bytes, Path] = {}

    def take(self, path: Path, shrink: float = 1.0) -> bytes:
        """Return a picture as the PNG that readers will see.

        Parameters
        ----------
        path : Path
            The picture.
        shrink : float
            Its pixels per pixel of the study; near 1 it is not resampled.

        Raises
        ------
        StudyError
            If it cannot be read, has another shape or too coarse a scale, or was
            taken in before.
        """
        picture = _at_scale(read_picture(path), shrink, self.shape, path)
        if self.shape == (0, 0):
            self.shape, self._first = picture.shape[:2], path
        if self._first is not None and picture.shape[:2] != self.shape:
            raise StudyError(
                f"{path} has {picture.shape[0]} x {picture.shape[1]} px but "
                f"{self._first} has {self.shape[0]} x {self.shape[1]} px; all pictures "
                f"need one size at one scale: ask for a size (size_px) to cut the "
                f"centre of each"
            )
        picture = cut_centre(picture, self.shape, str(path))
        key = hashlib.sha256(picture.tobytes()).digest()
        if key in self._seen:
            raise StudyError(
                f"{path} and {self._seen[key]} are the same picture; take one of them "
                f"out"
            )
        self._seen[key] = path
        return encode_png(picture)


def _at_scale(
    picture: NDArray[np.uint8], shrink: float, shape: tuple[int, int], path: Path
) -> NDArray[np.uint8]:
    """Return the centre of a picture, its scale changed; untouched where none is."""
    if abs(shrink - 1) <= SAME_SCALE:
        return picture
    if shrink < 1:
        raise StudyError(
            f"{path} has pixels {1 / shrink:.3g} times as large as the study's: finer "
            f"ones would show detail that was never seen; ask for a coarser scale"
        )
    side_px = round(shape[0] * shrink)
    return area_mean(cut_centre(picture, (side_px, side_px), str(path)), shape[0])


def find_warnings(plan: StudyPlan) -> tuple[str, ...]:
    """Return sentences about what the folders themselves give away."""
    kinds = []
    for folder in (plan.real_folder, plan.synthetic_folder):
        suffixes = {path.suffix.lower() for path in list_pictures(folder)}
        kinds.append(
            {{"jpeg": "jpg", "tiff": "tif"}.get(s[1:], s[1:]) for s in suffixes}
        )
    if kinds[0] == kinds[1]:
        return ()
    real, synthetic = (" and ".join(sorted(kind)) for kind in kinds)
    return (
        (
            f"the real pictures come from {real} files, the synthetic from "
            f"{synthetic} files: traces of compression may give them away; make both "
            f"the same way"
        ),
    )
