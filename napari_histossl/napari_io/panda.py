"""Masks of PANDA on their slides, in the organisers' colours, with the grade."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import RADBOUD_CLASSES, ClassTable
from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import METADATA_KEY, LayerTuple, colours
from napari_histossl.slide import open_slide, virtual_levels
from napari_histossl.slide.labels import RedLabels, read_labels
from napari_histossl.slide.panda import MASK_ENDING, PandaCase, find_case

if TYPE_CHECKING:
    import dask.array as da

BROUGHT = "brought"
"""In a layer's facts: a mask brought this slide along; nobody asked for it."""

_CHUNK_PX = 512


def panda_layer(path: str | Path) -> LayerTuple:
    """Return a mask of PANDA as labels to look at; they cannot be edited.

    Parameters
    ----------
    path : str or Path
        ``<id>_mask.tiff``. Hospital and grade are those of the table ``train.csv``
        beside its folder; without it they are not told, and a mask that holds no value
        above 2 is shown in napari's colours, because the hospitals mean different
        things by 1 and 2.

    Returns
    -------
    tuple
        Dask arrays of uint8, options, ``"labels"``.

    Raises
    ------
    SlideOpenError
        If the mask, its slide or the table cannot be read.
    """
    path = Path(path)
    case, labels = find_case(path), RedLabels(path)
    source, mpp_yx = _slide_facts(path)
    classes = case.classes if case is not None else _recognised(labels)
    levels = _lazy(labels)
    is_multiscale = len(levels) > 1
    options = {
        "name": _name(path, case),
        "multiscale": is_multiscale,
        "scale": mpp_yx or (1.0, 1.0),
        "units": ("um", "um") if mpp_yx else ("pixel", "pixel"),
        "opacity": 0.5,
        "colormap": colours(classes),
        "features": _names_of_values(classes),
        "metadata": {
            METADATA_KEY: {
                "kind": "mask",
                "path": str(path),
                "source": source,
                "facts": _facts(case, classes),
            }
        },
    }
    return levels if is_multiscale else levels[0], options, "labels"


def slide_of(mask: Path) -> Path | None:
    """Return the slide of a mask, or None where it is not in the folder beside."""
    name = mask.name.removesuffix(MASK_ENDING)
    slide = mask.parent.parent / "train_images" / f"{name}.tiff"
    return slide if slide.is_file() else None


def brought(layer: LayerTuple) -> LayerTuple:
    """Return a layer with the remark that nobody asked for it."""
    data, options, kind = layer
    options["metadata"][METADATA_KEY][BROUGHT] = True
    return data, options, kind


def _slide_facts(mask: Path) -> tuple[Any, tuple[float, float] | None]:
    """Return the slide's record and scale; without it the scale of the mask's file."""
    slide = slide_of(mask)
    with open_slide(mask if slide is None else slide) as opened:
        return None if slide is None else opened.source, opened.mpp_yx


def _recognised(labels: RedLabels) -> ClassTable | None:
    level = len(labels.levels) - 1
    highest = int(labels.read(labels.levels[level].box, level).max())
    return RADBOUD_CLASSES if highest > 2 else None


def _name(path: Path, case: PandaCase | None) -> str:
    name = path.name.removesuffix(".tiff")
    return f"{name} ({case.provider}, {case.grade})" if case is not None else name


def _facts(case: PandaCase | None, classes: ClassTable | None) -> dict[str, str]:
    told = {str(info.index): info.name for info in classes or ()}
    if case is None:
        return told
    return {"Hospital": case.provider, "Grade": case.grade, **told}


def _names_of_values(classes: ClassTable | None) -> dict[str, list[Any]]:
    """Return what napari says of a value under the mouse."""
    told = {0: "background or unknown"}
    told.update({info.index: info.name for info in classes or ()})
    return {"index": list(told), "class": list(told.values())} if classes else {}


def _lazy(labels: RedLabels) -> list[da.Array]:
    """Return an array for each factor of two; nothing is read before it is shown."""
    import dask.array as da

    name = uuid.uuid4().hex
    return [
        da.map_blocks(  # type: ignore[no-untyped-call]
            _ReadChunk(labels, level.downsample, level.shape),
            name=f"panda-{name}-{index}",
            chunks=tuple(_chunks(length) for length in level.shape),
            dtype=np.uint8,
            meta=np.empty((0, 0), np.uint8),
        )
        for index, level in enumerate(virtual_levels(labels))
    ]


def _chunks(length: int) -> tuple[int, ...]:
    whole, rest = divmod(length, _CHUNK_PX)
    return (_CHUNK_PX,) * whole + ((rest,) if rest else ())


class _ReadChunk:
    """Read the chunk at a place of one level."""

    def __init__(
        self, labels: RedLabels, downsample: float, shape: tuple[int, int]
    ) -> None:
        self._labels, self._downsample = labels, downsample
        self._whole = Box(0, 0, *shape)

    def __call__(self, *, block_id: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the labels of a chunk, cropped at the edge of the level."""
        y, x = (index * _CHUNK_PX for index in block_id)
        box = Box(y, x, _CHUNK_PX, _CHUNK_PX).intersection(self._whole)
        assert box is not None  # dask asks for chunks of the grid only
        return read_labels(self._labels, box, self._downsample)

    def __dask_tokenize__(self) -> Any:
        return (type(self).__name__, id(self._labels), self._downsample)
