"""Tokens of a slide on the disk: record after record in one file, tile by tile.

An array of tokens would be 128 numbers deep and mostly empty. Here a tile is one record
that is written once, durable within a millisecond, and found again by its place; a run
may add any tiles in any order, those in view today, the rest of the slide tomorrow.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_histossl.closing import Closing
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.overlays._overlay_files import write_unreadable
from napari_histossl.overlays.grid import StepGrid, Tile
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.overlays.predictor import Values
from napari_histossl.overlays.spool import Spool
from napari_histossl.slide import SlideSource
from napari_histossl.store.lock import WriterLock
from napari_histossl.store.provenance import describe
from napari_histossl.store.whole import make_folder, written_whole

_HEADER, _RECORDS = "header.json", "tokens.bin"

_OF_ATTENTION = ("values", "unit", "block", "run")
"""Parameters of a plan that tokens do not depend on."""


class TokenSink(Closing):
    """Tokens of one run; a `Sink`.

    Parameters
    ----------
    source : SlideSource
        The slide, described in the header.
    plan : RunPlan
        Which tiles, and which model; `out` is the folder.
    """

    def __init__(self, source: SlideSource, plan: RunPlan) -> None:
        self._source, self._plan = source, plan
        self._path = Path(plan.out)
        self._lock: WriterLock | None = None
        self._spool: Spool | None = None

    def done(self) -> set[Tile]:
        """Return the tiles that are finished."""
        return stored_tiles(self._plan)

    def open(self) -> None:
        """Open the tokens to add to them, or begin them.

        Raises
        ------
        StoreError
            If they cannot be written, or are of something else.
        """
        make_folder(self._path)
        self._lock = WriterLock(self._path).acquire()
        if (self._path / _HEADER).exists():
            refuse_other_tokens(self._plan)
        else:
            self._write_header()
        self._spool = Spool(self._path / _RECORDS, _layout(self._plan))

    def add(self, tiles: Sequence[Tile], values: Values) -> None:
        """Keep tokens and background of tiles.

        Raises
        ------
        StoreError
            If the disk is full.
        """
        assert self._spool is not None  # opened
        self._spool.add(tiles, tuple(part.astype(DTYPE) for part in values))

    def flush(self) -> Iterator[Box]:
        """Do nothing: what was added can be read."""
        yield from ()

    def mark_unreadable(self, tiles: Mapping[Tile, str]) -> None:
        """Remember tiles that could not be read; those that now could are forgotten."""
        write_unreadable(self._path, tiles, ".")

    def close(self) -> None:
        """Give up the right to write."""
        if self._spool is not None:
            self._spool.close()
        if self._lock is not None:
            self._lock.release()

    def _write_header(self) -> None:
        plan = self._plan
        with closing(self._source.open()) as slide:
            told = describe(
                slide,
                model=plan.spec.name,
                weights_sha256=plan.weights_sha256,
                parameters=token_parameters(plan),
            )
        with written_whole(self._path / _HEADER) as temporary:
            temporary.write_text(json.dumps(told, indent=1))


class TokenReader(Closing):
    """Tokens of any box of a slide; what is added later is not seen.

    Parameters
    ----------
    plan : RunPlan
        The run that wrote them.

    Attributes
    ----------
    tiles : set of (row, column)
        Those that have tokens.
    grid : StepGrid
        Where they lie, in tokens.
    dimension : int
        Length of a token.

    Raises
    ------
    StoreError
        If the tokens are of another slide, another content of it, or another model.
    """

    def __init__(self, plan: RunPlan) -> None:
        refuse_other_tokens(plan)
        path = Path(plan.out, _RECORDS)
        self._spool = Spool(path, _layout(plan), read_only=True)
        self.tiles = self._spool.tiles
        self.grid = StepGrid(plan.shape[1:], plan.tile_tokens, plan.tile_tokens)
        self.dimension = plan.spec.feature_dim

    @classmethod
    def of(cls, plan: RunPlan) -> Self | None:
        """Return a reader, or None where no token has been computed yet."""
        return cls(plan) if Path(plan.out, _RECORDS).exists() else None

    def read(self, box: Box) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return tokens and background of a box.

        Parameters
        ----------
        box : Box
            In tokens; it may hang over the slide.

        Returns
        -------
        tokens : ndarray of shape (height, width, D) and dtype float32
            0 where nothing has been computed.
        background : ndarray of shape (height, width) and dtype float32
            Share that is no tissue; NaN where nothing has been computed.
        """
        tokens = np.zeros((*box.shape, self.dimension), np.float32)
        background = np.full(box.shape, np.nan, np.float32)
        for tile in self.grid.covering(box):
            if tile not in self.tiles:
                continue
            place = self.grid.box(*tile)
            common = place.intersection(box)
            assert common is not None  # the grid names touching tiles only
            ours = common.shifted(-box.y, -box.x).slices
            theirs = common.shifted(-place.y, -place.x).slices
            vectors, shares = self._spool.read(tile)
            tokens[ours] = vectors[theirs]
            background[ours] = shares[0][theirs]
        return tokens, background

    def close(self) -> None:
        """Close the file."""
        self._spool.close()


def stored_tiles(plan: RunPlan) -> set[Tile]:
    """Return the tiles of a slide whose tokens are stored; reads their places only."""
    reader = TokenReader.of(plan)
    return set() if reader is None else reader.tiles


def token_parameters(plan: RunPlan) -> dict[str, Any]:
    """Return what tokens depend on besides slide and weights; JSON values."""
    told = {k: v for k, v in plan.parameters.items() if k not in _OF_ATTENTION}
    return {**told, "values": "tokens as the model gives them after its last norm"}


def refuse_other_tokens(plan: RunPlan) -> None:
    """Refuse tokens that a run cannot use.

    Raises
    ------
    StoreError
        If they are of another slide, another content of it, or another model.
    """
    path = Path(plan.out) / _HEADER
    try:
        told = json.loads(path.read_text())
        slide, parameters = told["slide"]["fingerprint"], told["parameters"]
        weights = told["weights_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} does not say what its tokens are of ({error}); delete the folder "
            f"{path.parent}, they are computed again"
        ) from error
    compared = {
        "another slide, or an earlier content of it": (slide, plan.slide_fingerprint),
        "other weights": (weights, plan.weights_sha256),
        "another scale or tile": (parameters, token_parameters(plan)),
    }
    differing = [words for words, (had, wanted) in compared.items() if had != wanted]
    if differing:
        raise StoreError(
            f"the tokens in {path.parent} are of {differing[0]}, not of "
            f"{plan.slide_name} with {Path(plan.weights).name} as planned; delete the "
            f"folder, they are computed again"
        )


def _layout(plan: RunPlan) -> list[tuple[tuple[int, ...], Any]]:
    edge = plan.tile_tokens
    return [((edge, edge, plan.spec.feature_dim), DTYPE), ((1, edge, edge), DTYPE)]
