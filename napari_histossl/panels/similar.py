"""What looks like this, as a window asks it: over a list, as a picture, as jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box, to_level
from napari_histossl.jobs import Progress
from napari_histossl.metrics.search import EmbeddingSearch, Match, Query
from napari_histossl.overlays.features_raster import PatchRaster
from napari_histossl.overlays.reading import TileReader
from napari_histossl.panels.embeddings import (
    Wanted,
    draw_embeddings,
    find_clusters,
    query_of,
)
from napari_histossl.panels.embeddings_files import read_embeddings
from napari_histossl.slide import SlideSource, open_slide
from napari_histossl.store.paths import embeddings_path, results_folder

_LOW_QUANTILE = 0.75
"""Below this quantile of similarity nothing is coloured."""

_LEAST_SPAN = 1e-3
"""Between the ends of the colours, where all patches are alike."""


@dataclass(frozen=True, slots=True)
class Searched:
    """A slide that is searched.

    Attributes
    ----------
    embeddings : Path
        Folder of its embeddings.
    slide : Path or None
        Its file; None for the slide in view.
    """

    embeddings: Path
    slide: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PatchPicture:
    """Numbers of patches as a picture on the slide.

    Attributes
    ----------
    values : ndarray of shape (H, W) and dtype float32
        NaN where there is no patch.
    pixel_px0 : float
        Edge of a pixel in level-0 pixels.
    origin_px0 : tuple of float
        Row and column of the outer corner of the first pixel.
    limits : tuple of float
        Which values the ends of the colours stand for.
    """

    values: NDArray[np.float32]
    pixel_px0: float
    origin_px0: tuple[float, float]
    limits: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What came of a question.

    Attributes
    ----------
    query : Query
        What was looked for.
    matches : tuple of Match
        The most similar patches, the best first.
    asked_px0 : Box or None
        The patch that was pointed at, in level-0 pixels; None where there were several.
    """

    query: Query
    matches: tuple[Match, ...]
    asked_px0: Box | None = None


def embeddings_of_list(
    slides: Sequence[Path], name: str, workspace: Path | None = None
) -> list[Searched]:
    """Return those slides of a list that have embeddings of a name.

    Parameters
    ----------
    slides : sequence of Path
        Files.
    name : str
        As of `store.paths.embeddings_path`.
    workspace : Path, optional
        Where results lie if not beside the slides.
    """
    found = [
        Searched(embeddings_path(results_folder(slide, workspace), name), slide)
        for slide in slides
    ]
    return [one for one in found if one.embeddings.is_dir()]


def look_for(search: EmbeddingSearch, wanted: Wanted) -> Found:
    """Return the patches that look most like what a person points at.

    Raises
    ------
    PlanError
        As `panels.embeddings.find_similar`.
    """
    query = query_of(search, wanted)
    asked = None
    if wanted.point_px0 is not None:
        edge = max(round(search.headers[query.part].patch_px0), 1)
        y, x = search.positions_px0[query.part][query.rows[0]].tolist()
        asked = Box(y, x, edge, edge)
    return Found(query, tuple(search.find(query, wanted.count)), asked)


def heat_picture(search: EmbeddingSearch, found: Found, part: int) -> PatchPicture:
    """Return how similar every patch of a slide is to what was looked for.

    Parameters
    ----------
    search : EmbeddingSearch
        The slides.
    found : Found
        From `look_for`.
    part : int
        Which slide.

    Returns
    -------
    PatchPicture
        The most similar quarter is coloured, up to the best match of all slides.
    """
    scores = search.scores(found.query)[part]
    raster = PatchRaster(search.headers[part], search.positions_px0[part])
    empty = np.full(raster.shape, np.nan, np.float32)
    drawn = raster.paint(scores, np.argsort(scores, kind="stable"), empty)
    high = found.matches[0].score if found.matches else 1.0
    low = min(float(np.quantile(scores, _LOW_QUANTILE)), high - _LEAST_SPAN)
    return PatchPicture(drawn, raster.pixel_px0, raster.origin_px0, (low, high))


def thumbnails(
    slide: SlideSource | Path, boxes_px0: Sequence[Box], edge_px: int
) -> list[NDArray[np.uint8]]:
    """Return small pictures of places on a slide.

    Parameters
    ----------
    slide : SlideSource or Path
        The slide; opened here.
    boxes_px0 : sequence of Box
        Squares in level-0 pixels.
    edge_px : int
        About so many pixels each.

    Returns
    -------
    list of ndarray of shape (H, W, 3) and dtype uint8
        RGB, white outside the slide.

    Raises
    ------
    SlideOpenError
        If the slide cannot be opened.
    SlideReadError
        If one of them cannot be decoded.
    """
    if isinstance(slide, Path):
        with open_slide(slide) as opened:
            slide = opened.source
    with closing(TileReader(slide)) as reader:
        downs = [max(box.height / edge_px, 1.0) for box in boxes_px0]
        return [
            reader.read_scaled(to_level(box, (down, down)), down)
            for box, down in zip(boxes_px0, downs, strict=True)
        ]


def cluster_job(embeddings: Path, count: int, out: Path) -> Iterator[Progress]:
    """Do `panels.embeddings.find_clusters` as a job of a worker.

    Parameters
    ----------
    embeddings : Path
        Folder of the embeddings of a slide.
    count : int
        How many groups.
    out : Path
        Folder of the labels; what is there is replaced.

    Yields
    ------
    Progress
        When the embeddings are read, and when the labels are written.
    """
    yield Progress(0, 2, message="reading embeddings")
    found = read_embeddings(embeddings)
    yield Progress(1, 2, message=f"grouping {len(found):,} patches")
    find_clusters(found, count, out, overwrite=True)
    yield Progress(2, 2, message="written")


def map_job(paths: Sequence[Path], out: Path, clusters: int) -> Iterator[Progress]:
    """Do `panels.embeddings.draw_embeddings` as a job of a worker.

    Parameters
    ----------
    paths : sequence of Path
        Folders of embeddings, one for each slide.
    out : Path
        PNG to write.
    clusters : int
        Groups whose colours the patches have.

    Yields
    ------
    Progress
        At the beginning and at the end.
    """
    yield Progress(0, 1, message="laying out the patches; this may take a minute")
    shown = draw_embeddings(paths, out, clusters=clusters)
    yield Progress(1, 1, message=f"{shown:,} patches drawn")
