"""What looks like this, on one slide or on many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.metrics.similarity import best, cosine_scores, directions
from napari_histossl.store import Embeddings, EmbeddingsHeader


@dataclass(frozen=True, slots=True)
class Match:
    """A patch that was found.

    Attributes
    ----------
    part : int
        Which of the slides that were searched.
    slide_name : str
        Its name.
    position_px0 : tuple of int
        Upper left corner, (row, column) in level-0 pixels.
    patch_px0 : float
        Edge in level-0 pixels.
    score : float
        Cosine similarity, -1 to 1.
    """

    part: int
    slide_name: str
    position_px0: tuple[int, int]
    patch_px0: float
    score: float

    @property
    def box_px0(self) -> Box:
        """The patch in level-0 pixels: where to go."""
        edge = max(round(self.patch_px0), 1)
        return Box(*self.position_px0, edge, edge)


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """What is looked for.

    Attributes
    ----------
    vector : ndarray of shape (D,) and dtype float32
        Mean of the directions of the patches.
    part : int
        The slide they lie on.
    rows : tuple of int
        Which patches of that slide.
    """

    vector: NDArray[np.float32]
    part: int
    rows: tuple[int, ...]


class EmbeddingSearch:
    """Embeddings of slides, held in memory to be searched.

    Parameters
    ----------
    parts : sequence of Embeddings
        One for each slide, of one model with the same weights.

    Attributes
    ----------
    headers : tuple of EmbeddingsHeader
        Of each slide.
    positions_px0 : tuple of ndarray of shape (N, 2) and dtype int64
        Upper left corners of the patches of each slide.

    Raises
    ------
    PlanError
        If there are none, or they cannot be compared.

    Notes
    -----
    Vectors are kept at length 1, one copy, 4 bytes a number; a search reads them once.
    """

    def __init__(self, parts: Sequence[Embeddings]) -> None:
        _refuse_mixture(parts)
        self.headers = tuple(part.header for part in parts)
        self.positions_px0 = tuple(part.positions_px0 for part in parts)
        self._bounds = np.cumsum([0, *(len(part) for part in parts)])
        self._bank = np.empty(
            (self._bounds[-1], parts[0].features.shape[1]), np.float32
        )
        for number, part in enumerate(parts):
            self._bank[self._rows(number)] = directions(part.features)

    def __len__(self) -> int:
        return len(self._bank)

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Directions of all patches, slide after slide, (N, D); not to be changed."""
        return self._bank

    @property
    def parts(self) -> NDArray[np.intp]:
        """Which slide each of `vectors` is of, (N,)."""
        return np.repeat(np.arange(len(self.headers)), np.diff(self._bounds))

    # ---- Queries ----

    def query_at(self, part: int, y_px0: float, x_px0: float) -> Query:
        """Look for what the patch nearest to a point shows.

        Parameters
        ----------
        part : int
            Which slide.
        y_px0, x_px0 : float
            The point in level-0 pixels.

        Returns
        -------
        Query
            With that one patch.
        """
        off = self._centres(part) - (y_px0, x_px0)
        return self._query(part, [int(np.square(off).sum(1).argmin())])

    def query_in(self, part: int, box_px0: Box) -> Query:
        """Look for what the patches show whose middle lies in a box.

        Parameters
        ----------
        part : int
            Which slide.
        box_px0 : Box
            Drawn by a person, in level-0 pixels; one that is smaller than a patch
            stands for the patch that it lies in.

        Returns
        -------
        Query
            The mean of their directions.

        Raises
        ------
        PlanError
            If there is no patch.
        """
        upper = np.array([box_px0.y, box_px0.x])
        lower = np.array([box_px0.y1, box_px0.x1])
        centres = self._centres(part)
        rows = np.flatnonzero(((centres >= upper) & (centres < lower)).all(1))
        if not len(rows):
            off = np.abs(centres - (upper + lower) / 2).max(1)
            nearest = int(off.argmin())
            if off[nearest] > self.headers[part].patch_px0 / 2:
                raise PlanError(
                    f"no patch of {self.headers[part].slide_name} with an embedding "
                    f"lies in the box at row {box_px0.y}, column {box_px0.x}; draw it "
                    f"on tissue that was computed"
                )
            rows = np.array([nearest])
        return self._query(part, rows.tolist())

    # ---- Answers ----

    def scores(self, query: Query) -> tuple[NDArray[np.float32], ...]:
        """Return the similarity of every patch, one array for each slide.

        Raises
        ------
        PlanError
            If the patches of the query cancel out.
        """
        found = self._scores(query)
        return tuple(found[self._rows(part)] for part in range(len(self.headers)))

    def find(
        self, query: Query, count: int = 20, *, with_query: bool = False
    ) -> list[Match]:
        """Return the most similar patches, the most similar first.

        Parameters
        ----------
        query : Query
            From `query_at` or `query_in`.
        count : int
            How many; fewer where there are not so many.
        with_query : bool
            Whether the patches of the query count as well.

        Returns
        -------
        list of Match
            Over all slides. Exact: every patch is compared.

        Raises
        ------
        PlanError
            If fewer than one is asked for, or the patches of the query cancel out.
        """
        if count < 1:
            raise PlanError(f"at least one match is asked for; got {count}")
        scores = self._scores(query)
        own = self._bounds[query.part] + np.array(query.rows, np.intp)
        if not with_query:
            scores[own] = -np.inf
            count = min(count, len(scores) - len(own))
        return [self._match(int(row), scores) for row in best(scores, count)]

    # ---- Details ----

    def _rows(self, part: int) -> slice:
        return slice(int(self._bounds[part]), int(self._bounds[part + 1]))

    def _centres(self, part: int) -> NDArray[np.float64]:
        if not 0 <= part < len(self.headers):
            raise PlanError(
                f"{len(self.headers)} slides are searched, the first one is 0; got "
                f"{part}"
            )
        places = self.positions_px0[part].astype(np.float64)
        return places + self.headers[part].patch_px0 / 2

    def _query(self, part: int, rows: list[int]) -> Query:
        vectors = self._bank[self._rows(part)][rows]
        return Query(vectors.mean(0), part, tuple(rows))

    def _scores(self, query: Query) -> NDArray[np.float32]:
        try:
            return cosine_scores(self._bank, query.vector)
        except ValueError as error:
            raise PlanError(f"this cannot be looked for: {error}") from error

    def _match(self, row: int, scores: NDArray[np.float32]) -> Match:
        part = int(np.searchsorted(self._bounds, row, "right")) - 1
        place = self.positions_px0[part][row - self._bounds[part]]
        header = self.headers[part]
        return Match(
            part,
            header.slide_name,
            (int(place[0]), int(place[1])),
            header.patch_px0,
            float(scores[row]),
        )


def _refuse_mixture(parts: Sequence[Embeddings]) -> None:
    if not parts:
        raise PlanError("there are no embeddings to search; compute or import some")
    first = parts[0]
    for part in parts[1:]:
        if part.header.identity != first.header.identity:
            raise PlanError(
                f"embeddings are compared within one model: those of "
                f"{part.header.slide_name} are of {_told(part.header)}, those of "
                f"{first.header.slide_name} of {_told(first.header)}; compute them "
                f"with the same weights"
            )
        if part.features.shape[1] != first.features.shape[1]:
            raise PlanError(
                f"embeddings of {part.header.slide_name} have "
                f"{part.features.shape[1]} numbers, those of "
                f"{first.header.slide_name} {first.features.shape[1]}; they are not of "
                f"one model"
            )


def _told(header: EmbeddingsHeader) -> str:
    weights = header.weights_sha256[:8] or "unknown"
    return f"{header.model} (weights {weights})"
