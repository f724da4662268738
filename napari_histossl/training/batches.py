"""In which order a training sees its pictures."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError


class Items(Protocol):
    """Pictures or grids of features: an array, or files that are read when needed."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, C)."""

    def __len__(self) -> int:
        """Number of items."""

    def __getitem__(self, indices: Any) -> NDArray[Any]:
        """Return the items at an array of indices, (n, H, W, C)."""


class Batches:
    """The batch of every step, each item once an epoch.

    Parameters
    ----------
    items : Items
        What is learned from.
    batch : int
        Items a step.
    seed : int
        Decides the order, together with the number of the epoch alone: a training
        that is taken up again sees the same batches.

    Raises
    ------
    PlanError
        If there are fewer items than a batch.
    """

    def __init__(self, items: Items, batch: int, seed: int) -> None:
        if len(items.shape) != 4 or len(items) < batch:
            raise PlanError(
                f"a training needs pictures (N, H, W, 3) or grids (N, H, W, D), at "
                f"least a batch of {batch}; got shape {tuple(items.shape)}"
            )
        self._items, self._batch, self._seed = items, batch, seed
        self._epoch, self._order = -1, np.zeros(0, np.int64)
        self._ahead: tuple[int, Future[NDArray[Any]]] | None = None
        files = not isinstance(items, np.ndarray)
        self._reader = ThreadPoolExecutor(1) if files else None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def per_epoch(self) -> int:
        """Steps in which each item is seen once."""
        return len(self._items) // self._batch

    def at(self, step: int) -> NDArray[Any]:
        """Return the items of a step; those of the next one are read meanwhile."""
        if self._reader is None:
            return self._items[self.indices(step)]
        if self._ahead is not None and self._ahead[0] == step:
            items = self._ahead[1].result()
        else:
            items = self._items[self.indices(step)]
        following = self.indices(step + 1)
        future = self._reader.submit(self._items.__getitem__, following)
        self._ahead = (step + 1, future)
        return items

    def close(self) -> None:
        """Stop reading ahead."""
        if self._reader is not None:
            self._reader.shutdown(cancel_futures=True)

    def indices(self, step: int) -> NDArray[np.int64]:
        """Return which items a step sees."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            shuffled = np.random.default_rng([self._seed, epoch])
            self._epoch, self._order = epoch, shuffled.permutation(len(self._items))
        return self._order[place * self._batch : (place + 1) * self._batch]
