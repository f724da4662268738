"""Embeddings on the slide without a window: compute, find, group, draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.metrics.clusters import cluster
from napari_histossl.metrics.search import EmbeddingSearch, Match, Query
from napari_histossl.overlays.features_raster import write_clusters, write_similarity
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.attention import AttentionChoice
from napari_histossl.panels.run_place import SlideFacts
from napari_histossl.panels.tile_plan import patch_spec, tile_plan
from napari_histossl.store import Embeddings, EmbeddingStore
from napari_histossl.store.paths import embeddings_path, overlay_path, results_folder

_FLOAT_BYTES = 4


def resolve_features(choice: AttentionChoice, facts: SlideFacts) -> RunPlan:
    """Turn a choice into a run that computes embeddings; nothing is read or written.

    Parameters
    ----------
    choice : AttentionChoice
        What a person wants; what concerns attention alone is passed over.
    facts : SlideFacts
        What there is, from `panels.attention.gather`.

    Returns
    -------
    RunPlan
        For `overlays.run`; its `out` is a folder for `store.EmbeddingStore`.

    Raises
    ------
    PlanError
        If the choices do not add up to a run.
    MissingScaleError
        If neither the slide nor the choice says how large a pixel is.
    NoTissueError
        If there is nothing to compute.
    """
    spec = patch_spec(choice, facts.weights)
    name = choice.name or Path(facts.weights.path).stem
    out = choice.out
    if out is None:
        out = embeddings_path(results_folder(facts.source, choice.workspace), name)
    return replace(tile_plan(choice, facts, spec, name=name, out=out), kind="features")


def summarise_features(plan: RunPlan) -> str:
    """Return a plan of `resolve_features` in a few lines for people."""
    dimension = plan.spec.feature_dim
    size = len(plan.tiles_ij) * dimension * _FLOAT_BYTES
    return plan.summary_of("features", f"{dimension} numbers a patch", size)


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


def read_embeddings(path: str | Path) -> Embeddings:
    """Read the embeddings of a slide, as far as they are computed.

    Raises
    ------
    StoreError
        If there are none, or they are damaged.
    """
    with EmbeddingStore.open(path) as store:
        return store.read()


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
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
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
    if not 1 <= count <= 255:
        raise PlanError(f"labels hold 1 to 255 clusters; got {count}")
    try:
        labels = cluster(embeddings.features, count, np.random.default_rng(seed))
    except ValueError as error:
        raise PlanError(
            f"the patches of {embeddings.header.slide_name} cannot be grouped: {error}"
        ) from error
    write_clusters(
        path,
        embeddings.header,
        embeddings.positions_px0,
        labels,
        parameters={"count": count, "seed": seed, "method": "k-means by direction"},
        overwrite=overwrite,
    )
    return labels


def overlay_beside(embeddings: str | Path, name: str) -> Path:
    """Return where an overlay made from embeddings lies: in the same results folder.

    Parameters
    ----------
    embeddings : str or Path
        ``<results>/embeddings/<name>.zarr``.
    name : str
        Of the overlay.
    """
    return overlay_path(Path(embeddings).resolve().parent.parent, name)
