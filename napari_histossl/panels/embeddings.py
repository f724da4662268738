"""Embeddings on the slide without a window: find what looks alike, group, draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.metrics.clusters import cluster
from napari_histossl.metrics.search import EmbeddingSearch, Match, Query
from napari_histossl.overlays.features_map import choose_patches, draw_map, project
from napari_histossl.overlays.features_raster import (
    cluster_classes,
    write_clusters,
    write_similarity,
)
from napari_histossl.panels.embeddings_files import read_embeddings
from napari_histossl.store import Embeddings

# ---- Find what looks like this ----


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a person points.

    Attributes
    ----------
    part : int
        Which of the slides that are searched.
    point_px0 : tuple of float or None
        (row, column) in level-0 pixels: the patch nearest to it.
    box_px0 : Box or None
        In its place: the mean of the patches in it.
    count : int
        How many matches are wanted.
    """

    part: int = 0
    point_px0: tuple[float, float] | None = None
    box_px0: Box | None = None
    count: int = 20


def open_search(paths: Sequence[str | Path]) -> EmbeddingSearch:
    """Read embeddings of slides to be searched.

    Parameters
    ----------
    paths : sequence of str or Path
        Folders of embeddings, one for each slide.

    Raises
    ------
    StoreError
        If one cannot be read or is empty.
    PlanError
        If there are none, or they are of different models.
    """
    return EmbeddingSearch([read_embeddings(path) for path in paths])


def query_of(search: EmbeddingSearch, wanted: Wanted) -> Query:
    """Return what a person points at as a query.

    Raises
    ------
    PlanError
        If it is not exactly one of a point and a box, or there is no patch.
    """
    if (wanted.point_px0 is None) == (wanted.box_px0 is None):
        raise PlanError("point at a patch, or draw a box, to find what looks like it")
    if wanted.box_px0 is not None:
        return search.query_in(wanted.part, wanted.box_px0)
    assert wanted.point_px0 is not None
    return search.query_at(wanted.part, *wanted.point_px0)


def find_similar(search: EmbeddingSearch, wanted: Wanted) -> list[Match]:
    """Return the patches that look most like what a person points at.

    Raises
    ------
    PlanError
        As `query_of`, or if fewer than one is wanted.
    """
    return search.find(query_of(search, wanted), wanted.count)


def write_heat(search: EmbeddingSearch, query: Query, part: int, path: Path) -> None:
    """Write how similar the patches of a slide are to a query, as an overlay.

    Parameters
    ----------
    search : EmbeddingSearch
        The slides.
    query : Query
        From `query_of`.
    part : int
        Which slide the overlay is for.
    path : Path
        Folder of the OME-Zarr; what an earlier query wrote is replaced.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    places = search.positions_px0[query.part][list(query.rows)]
    write_similarity(
        path,
        search.headers[part],
        search.positions_px0[part],
        search.scores(query)[part],
        parameters={
            "query_slide": search.headers[query.part].slide_name,
            "query_positions_px0": places.tolist(),
        },
        overwrite=True,
    )


# ---- Groups ----


def find_clusters(
    embeddings: Embeddings,
    count: int,
    path: Path,
    *,
    seed: int = 0,
    overwrite: bool = False,
) -> NDArray[np.intp]:
    """Group the patches of a slide and write the groups as labels.

    Parameters
    ----------
    embeddings : Embeddings
        Of one slide.
    count : int
        How many groups, 1 to 255.
    path : Path
        Folder of the OME-Zarr.
    seed : int, optional
        The same seed gives the same groups.
    overwrite : bool, optional
        Replace labels of the same name.

    Returns
    -------
    ndarray of shape (N,) and dtype intp
        Group of each patch, 0 for the largest.

    Raises
    ------
    PlanError
        If there are not so many groups.
    StoreError
        If the labels cannot be written.
    """
    labels = _grouped(embeddings.features, count, seed)
    write_clusters(
        path,
        embeddings.header,
        embeddings.positions_px0,
        labels,
        parameters={"count": count, "seed": seed, "method": "k-means by direction"},
        overwrite=overwrite,
    )
    return labels


def _grouped(features: NDArray[np.float32], count: int, seed: int) -> NDArray[np.intp]:
    if not 1 <= count <= 255:
        raise PlanError(f"labels hold 1 to 255 clusters; got {count}")
    try:
        return cluster(features, count, np.random.default_rng(seed))
    except ValueError as error:
        raise PlanError(f"these patches cannot be grouped: {error}") from error


def draw_embeddings(
    paths: Sequence[str | Path], out: Path, *, clusters: int = 8, seed: int = 0
) -> int:
    """Draw the patches of slides so that those that are alike lie near one another.

    Parameters
    ----------
    paths : sequence of str or Path
        Folders of embeddings, one for each slide, of one model.
    out : Path
        PNG to write.
    clusters : int, optional
        Groups whose colours the patches have; 0 to colour them by slide.
    seed : int, optional
        The same seed gives the same picture.

    Returns
    -------
    int
        How many patches are on the picture.

    Raises
    ------
    PlanError
        If there are too few patches or other models among them, or umap-learn is not
        installed.
    StoreError
        If embeddings cannot be read or the picture cannot be written.
    """
    search = open_search(paths)
    rows = choose_patches(len(search), seed)
    vectors = search.vectors[rows]
    if clusters:
        groups = _grouped(vectors, clusters, seed)
        names = [f"cluster {number}" for number in range(1, clusters + 1)]
    else:
        groups = search.parts[rows]
        names = [header.slide_name for header in search.headers]
    colours = (info.colour for info in cluster_classes(len(names)))
    header = search.headers[0]
    title = (
        f"{len(rows):,} patches, {header.model}, weights {header.weights_sha256[:8]}"
    )
    legend = list(zip(names, colours, strict=True))
    draw_map(out, project(vectors, seed), groups, legend, title)
    return len(rows)
