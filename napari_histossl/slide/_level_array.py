"""A level of a slide that nobody pulls into memory by accident."""

from __future__ import annotations

from typing import Any, Self

import dask.array as da
import numpy as np

from napari_histossl.errors import GeometryError

LARGEST_BYTES = 512 << 20
"""Bytes of a level that may be computed as a whole."""


class LevelArray(da.Array):
    """A dask array that refuses to become one huge array in memory."""

    __slots__ = ()

    @classmethod
    def guarding(cls, array: da.Array) -> Self:
        """Return the same array with the guard."""
        return cls(array.dask, array.name, array.chunks, meta=array._meta)

    def compute(self, **options: Any) -> Any:
        """Return all pixels of a level of at most 512 MB.

        Raises
        ------
        GeometryError
            If the level is larger.
        """
        self._refuse_large()
        return super().compute(**options)  # type: ignore[no-untyped-call]

    def __array__(self, dtype: Any = None, copy: Any = None, **options: Any) -> Any:
        return np.asarray(self.compute(), dtype=dtype)

    def _refuse_large(self) -> None:
        if self.nbytes > LARGEST_BYTES:
            raise GeometryError(
                f"a level of {self.shape[0]} x {self.shape[1]} px would take "
                f"{self.nbytes / 1e9:.1f} GB of memory; read a part of it, as in "
                f"level[y0:y1, x0:x1], or a coarser level"
            )
