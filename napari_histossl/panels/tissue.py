"""The tissue of a slide: found once, corrected by a person, used by every run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import TISSUE_CLASSES
from napari_histossl.errors import StoreError
from napari_histossl.jobs import Progress
from napari_histossl.slide import Slide, SlideSource, TissueMap, find_tissue
from napari_histossl.store import Pyramid
from napari_histossl.store.provenance import describe

_NAME = "tissue.ome.zarr"


def tissue_path(folder: Path) -> Path:
    """Return where the tissue of a slide is saved in its results folder."""
    return folder / _NAME


def saved_or_found(slide: Slide, folder: Path) -> TissueMap:
    """Return the saved tissue of a slide, or find it now.

    Parameters
    ----------
    slide : Slide
        The slide.
    folder : Path
        Its results folder; need not exist.

    Returns
    -------
    TissueMap
        As a person corrected it, where somebody did.

    Raises
    ------
    StoreError
        If what is saved belongs to another slide or cannot be read.
    SlideReadError
        If the slide cannot be read.
    """
    path = tissue_path(folder)
    _recover(path)
    return load_tissue(path, slide) if path.exists() else find_tissue(slide)


def find_and_save(source: SlideSource, path: Path) -> Iterator[Progress]:
    """Find the tissue of a slide and save it; a job for any process.

    Parameters
    ----------
    source : SlideSource
        The slide.
    path : Path
        From `tissue_path`; what is there is replaced.

    Yields
    ------
    Progress
        When the slide is open, when the tissue is found, when it is saved.
    """
    with closing(source.open()) as slide:
        yield Progress(0, 2, message="looking at low power")
        tissue = find_tissue(slide)
        yield Progress(1, 2, message="saving")
        save_tissue(path, tissue, slide, corrected=False)
    yield Progress(2, 2, message=f"{tissue.share:.0%} of the slide is tissue")


def save_tissue(
    path: Path, tissue: TissueMap, slide: Slide, *, corrected: bool
) -> None:
    """Save a tissue map as OME-Zarr.

    Parameters
    ----------
    path : Path
        From `tissue_path`; what is there is replaced.
    tissue : TissueMap
        Found, or corrected.
    slide : Slide
        Its slide.
    corrected : bool
        True if a person corrected it; written down.

    Raises
    ------
    StoreError
        If the folder cannot be written.
    """
    down = tissue.downsample
    new = path.with_name(f"new-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path.parent} cannot be made ({error.strerror}); choose a workspace "
            f"folder for results"
        ) from error
    pyramid = Pyramid.create(
        new,
        shape=tissue.labels.shape,
        dtype=np.uint8,
        pixel_um_yx=_times(slide.mpp_yx, down),
        pixel_px0_yx=(down, down),
        reducer="nearest",
        provenance=describe(
            slide,
            model="tissue at low power",
            parameters={"downsample": down, "corrected": corrected},
        ),
        is_label=True,
        classes=TISSUE_CLASSES,
        overwrite=True,
    )
    with pyramid:
        pyramid.write(pyramid.levels[0].box, tissue.labels)
        pyramid.refresh()
    _replace(path, new)


def load_tissue(path: Path, slide: Slide) -> TissueMap:
    """Read a saved tissue map.

    Parameters
    ----------
    path : Path
        From `tissue_path`.
    slide : Slide
        The slide it should belong to.

    Raises
    ------
    StoreError
        If it belongs to another slide, or cannot be read.
    """
    with Pyramid.open(path) as pyramid:
        of_slide = (pyramid.provenance.get("slide") or {}).get("fingerprint")
        if of_slide != slide.source.fingerprint or pyramid.pixel_px0_yx is None:
            raise StoreError(
                f"{path} was made for another slide than {slide.source.name}, or for "
                f"an earlier content of it; find the tissue again"
            )
        labels: NDArray[np.uint8] = pyramid.read(pyramid.levels[0].box)
        return TissueMap(labels, pyramid.pixel_px0_yx[0])


def _replace(path: Path, new: Path) -> None:
    """Put a finished map in the place of the one before, which is kept until then."""
    old = _old(path)
    try:
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
            path.rename(old)
        new.rename(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be replaced ({error.strerror}); the new map is in {new}"
        ) from error
    shutil.rmtree(old, ignore_errors=True)


def _recover(path: Path) -> None:
    """Bring back the map that a crash left between its place and the new one's."""
    if not path.exists() and _old(path).exists():
        _old(path).rename(path)


def _old(path: Path) -> Path:
    return path.with_name(f"old-{path.name}")


def _times(
    mpp_yx: tuple[float, float] | None, factor: float
) -> tuple[float, float] | None:
    return None if mpp_yx is None else (mpp_yx[0] * factor, mpp_yx[1] * factor)
