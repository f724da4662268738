"""Numbers of patches as overlays: similarity as heat, clusters as labels."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_histossl.classes import ClassInfo, ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.store import EmbeddingsHeader, Pyramid
from napari_histossl.store.provenance import describe

_CUTS = (1, 2, 4, 8)
"""A patch is drawn as 1, or as n x n pixels where patches overlap or lie askew."""

_ASTRAY_PX0 = 1.0
"""Positions are whole numbers: places of a grid with fractional steps are rounded."""

_GOLDEN = 0.618033988749895
"""Steps of this share around the circle of hues never come close to an earlier one."""

SIMILARITY = "cosine similarity to the query, -1 to 1; NaN is not computed"


class PatchRaster:
    """Where the patches of a slide lie on a grid of pixels.

    Parameters
    ----------
    header : EmbeddingsHeader
        Slide and patch.
    positions_px0 : ndarray of shape (N, 2)
        Upper left corner of each patch in level-0 pixels.

    Attributes
    ----------
    cuts : int
        Edge of a patch in pixels of the raster.
    pixel_px0 : float
        Edge of such a pixel in level-0 pixels.
    origin_px0 : tuple of float
        Row and column in level-0 pixels at which its first pixel begins.
    shape : tuple of int
        Rows and columns.
    """

    def __init__(
        self, header: EmbeddingsHeader, positions_px0: NDArray[np.int64]
    ) -> None:
        self._header = header
        self.cuts = next(
            (cuts for cuts in _CUTS if _fits(positions_px0, header.patch_px0 / cuts)),
            _CUTS[-1],
        )
        self.pixel_px0 = header.patch_px0 / self.cuts
        origin = positions_px0.min(0) % self.pixel_px0
        self.origin_px0 = float(origin[0]), float(origin[1])
        places = (positions_px0 - origin) / self.pixel_px0
        self._places = np.rint(places).astype(np.intp)
        slide = -(-(np.array(header.slide_shape) - origin) // self.pixel_px0)
        rows, columns = np.maximum(slide.astype(int), self._places.max(0) + self.cuts)
        self.shape = int(rows), int(columns)

    def paint(
        self, values: NDArray[Any], order: NDArray[np.intp], empty: NDArray[Any]
    ) -> NDArray[Any]:
        """Draw each patch with its value, in an order: later ones lie above.

        Parameters
        ----------
        values : ndarray of shape (N,)
            One for each patch.
        order : ndarray of shape (N,)
            Patches, the lowest first.
        empty : ndarray of shape `shape`
            What is drawn on; changed and returned.
        """
        inside = np.arange(self.cuts)
        rows = self._places[order, 0, None, None] + inside[:, None]  # (N, cuts, 1)
        columns = self._places[order, 1, None, None] + inside  # (N, 1, cuts)
        empty[rows, columns] = values[order, None, None]  # in order: the last one stays
        return empty

    def create(
        self,
        path: Path,
        dtype: DTypeLike,
        parameters: Mapping[str, Any],
        **options: Any,
    ) -> Pyramid:
        """Create the pyramid that a drawn raster is written to."""
        header, size = self._header, self.pixel_px0
        um_yx = None
        origin = self.origin_px0
        if header.mpp_yx is not None:
            um_yx = header.mpp_yx[0] * size, header.mpp_yx[1] * size
            origin = origin[0] * header.mpp_yx[0], origin[1] * header.mpp_yx[1]
        path.parent.mkdir(parents=True, exist_ok=True)
        return Pyramid.create(
            path,
            dtype=dtype,
            pixel_um_yx=um_yx,
            pixel_px0_yx=(size, size),
            origin_um_yx=origin,
            provenance=_provenance(header, parameters),
            **options,
        )


def write_similarity(
    path: Path,
    header: EmbeddingsHeader,
    positions_px0: NDArray[np.int64],
    scores: NDArray[np.float32],
    *,
    parameters: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write how similar each patch is, as an overlay of one channel.

    Parameters
    ----------
    path : Path
        Folder of the OME-Zarr.
    header : EmbeddingsHeader
        Slide and patch.
    positions_px0 : ndarray of shape (N, 2)
        Upper left corner of each patch in level-0 pixels.
    scores : ndarray of shape (N,)
        -1 to 1; where patches overlap the highest is shown.
    parameters : mapping, optional
        What was looked for; JSON values.
    overwrite : bool, optional
        Replace an overlay of the same name.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    raster = PatchRaster(header, positions_px0)
    told = {"kind": "similarity", "values": SIMILARITY, **(parameters or {})}
    empty = np.full(raster.shape, np.nan, np.float32)
    drawn = raster.paint(scores, np.argsort(scores, kind="stable"), empty)
    with raster.create(
        path,
        np.float16,
        told,
        shape=(1, *raster.shape),
        channel_names=("similarity",),
        fill_value=float("nan"),
        overwrite=overwrite,
    ) as pyramid:
        pyramid.write(pyramid.levels[0].box, drawn[None].astype(np.float16))
        pyramid.refresh()


def write_clusters(
    path: Path,
    header: EmbeddingsHeader,
    positions_px0: NDArray[np.int64],
    labels: NDArray[np.intp],
    *,
    parameters: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write which group each patch belongs to, as labels with a table of classes.

    Parameters
    ----------
    path : Path
        Folder of the OME-Zarr.
    header : EmbeddingsHeader
        Slide and patch.
    positions_px0 : ndarray of shape (N, 2)
        Upper left corner of each patch in level-0 pixels.
    labels : ndarray of shape (N,)
        Groups from 0, at most 255 of them; group 0 is label 1.
    parameters : mapping, optional
        How they were found; JSON values.
    overwrite : bool, optional
        Replace labels of the same name.

    Raises
    ------
    PlanError
        If there are more groups than labels.
    StoreError
        If it cannot be written.
    """
    raster = PatchRaster(header, positions_px0)
    classes = cluster_classes(int(labels.max()) + 1)
    empty = np.zeros(raster.shape, np.uint8)
    drawn = raster.paint((labels + 1).astype(np.uint8), np.arange(len(labels)), empty)
    with raster.create(
        path,
        np.uint8,
        {"kind": "clusters", **(parameters or {})},
        shape=raster.shape,
        is_label=True,
        classes=classes,
        reducer="nearest",
        overwrite=overwrite,
    ) as pyramid:
        pyramid.write(pyramid.levels[0].box, drawn)
        pyramid.refresh()


def cluster_classes(count: int) -> ClassTable:
    """Return names and colours of groups: hues that differ as far as they can.

    Raises
    ------
    PlanError
        If there are more than 255.
    """
    if not 1 <= count <= 255:
        raise PlanError(f"labels hold 1 to 255 clusters; got {count}")
    return ClassTable(
        [
            ClassInfo(index, f"cluster {index}", _colour(index - 1))
            for index in range(1, count + 1)
        ]
    )


def _colour(number: int) -> tuple[int, int, int]:
    value = (0.9, 0.7, 0.5)[number // 8 % 3]
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN % 1, 0.75, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _fits(positions_px0: NDArray[np.int64], step_px0: float) -> bool:
    """Tell whether all patches begin on a grid of this step."""
    places = (positions_px0 - positions_px0.min(0)) / step_px0
    astray = np.abs(places - np.rint(places)) * step_px0
    return bool((astray <= _ASTRAY_PX0).all())


def _provenance(
    header: EmbeddingsHeader, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe an overlay of embeddings: their slide, their model."""
    told = describe(
        model=header.model,
        weights_sha256=header.weights_sha256,
        parameters={**parameters, "patch_px0": header.patch_px0},
    )
    told["slide"] = {
        "name": header.slide_name,
        "fingerprint": header.slide_fingerprint,
        "mpp_yx": None if header.mpp_yx is None else list(header.mpp_yx),
    }
    return told
