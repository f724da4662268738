"""Where the features of a run go: embeddings in the slide's results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.closing import Closing
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.overlays._overlay_files import refuse_another, write_unreadable
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Values
from napari_histossl.slide import SlideSource
from napari_histossl.store import EmbeddingsHeader, EmbeddingStore
from napari_histossl.store.embeddings import is_embeddings
from napari_histossl.store.provenance import describe

_OF_ATTENTION = ("values", "unit", "block", "token_px")
"""Parameters of a plan that features do not depend on."""


class FeatureSink(Closing):
    """Embeddings of one run; a `Sink`.

    Parameters
    ----------
    source : SlideSource
        The slide, described in the provenance.
    plan : RunPlan
        Which tiles, and which model. Its tiles are rows of the store, from the upper
        left of the slide, in whatever order they are computed.
    """

    def __init__(self, source: SlideSource, plan: RunPlan) -> None:
        self._source, self._plan = source, plan
        self._tiles = sorted(plan.tiles_ij)
        self._rows = {tile: row for row, tile in enumerate(self._tiles)}
        self._path = Path(plan.out)
        self._store: EmbeddingStore | None = None

    def done(self) -> set[Tile]:
        """Return the tiles that are finished."""
        if not self._is_there():
            return set()
        with EmbeddingStore.open(self._path) as store:
            self._refuse_another(store)
            return {self._tiles[row] for row in np.flatnonzero(store.done).tolist()}

    def open(self) -> None:
        """Open the embeddings to go on with them, or create them.

        Raises
        ------
        StoreError
            If they cannot be written, or were made from something else.
        """
        if not self._is_there():
            self._store = self._create()
            return
        self._store = EmbeddingStore.open(self._path, "r+")
        self._refuse_another(self._store)

    def add(self, tiles: Sequence[Tile], values: Values) -> None:
        """Keep features of tiles, (N, D).

        Raises
        ------
        StoreError
            If the disk is full.
        """
        assert self._store is not None  # opened
        self._store.write([self._rows[tile] for tile in tiles], values[0])

    def flush(self) -> Iterator[Box]:
        """Do nothing: what was added can be read."""
        yield from ()

    def mark_unreadable(self, tiles: Mapping[Tile, str]) -> None:
        """Remember tiles that could not be read; those that now could are forgotten."""
        write_unreadable(self._path, tiles, "features")

    def close(self) -> None:
        """Close the embeddings."""
        if self._store is not None:
            self._store.close()
            self._store = None

    # ---- Details

    def _is_there(self) -> bool:
        """Tell whether there is something to go on with."""
        if not is_embeddings(self._path):
            return False
        if not self._plan.overwrite:
            return True
        with EmbeddingStore.open(self._path) as store:
            stored = store.provenance.get("parameters") or {}
        return bool(self._plan.run_id) and stored.get("run") == self._plan.run_id

    def _create(self) -> EmbeddingStore:
        plan = self._plan
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._source.open()) as slide:
            header = EmbeddingsHeader(
                plan.slide_name,
                plan.slide_fingerprint,
                slide.levels[0].shape,
                _level0_mpp(plan),
                plan.spec.tile_px * plan.downsample,
                plan.spec.name,
                plan.weights_sha256,
                describe(
                    slide,
                    model=plan.spec.name,
                    weights_sha256=plan.weights_sha256,
                    parameters=feature_parameters(plan),
                ),
            )
        return EmbeddingStore.create(
            self._path,
            header,
            self._positions_px0(),
            plan.spec.feature_dim,
            overwrite=plan.overwrite,
        )

    def _positions_px0(self) -> NDArray[np.int64]:
        boxes = [self._plan.tile_box(*tile) for tile in self._tiles]
        corners = np.array([(box.y, box.x) for box in boxes], np.float64)
        return np.rint(corners * self._plan.downsample).astype(np.int64)

    def _refuse_another(self, store: EmbeddingStore) -> None:
        refuse_another(store, self._plan, feature_parameters(self._plan))
        if not np.array_equal(store.positions_px0, self._positions_px0()):
            raise StoreError(
                f"{store.path} was begun for {len(store.positions_px0)} other patches "
                f"than the {len(self._tiles)} of this run: the tissue or the extent is "
                f"another one; choose another name, or overwrite it"
            )


def feature_parameters(plan: RunPlan) -> dict[str, Any]:
    """Return what features depend on besides slide and weights; JSON values."""
    told = {k: v for k, v in plan.parameters.items() if k not in _OF_ATTENTION}
    return {**told, "values": "features as the model gives them, one vector a patch"}


def _level0_mpp(plan: RunPlan) -> tuple[float, float]:
    return plan.mpp_yx[0] / plan.downsample, plan.mpp_yx[1] / plan.downsample
