"""Nuclei as ellipses of chromatin, and how a kind of nucleus gets its shape."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.hashing import Floats, Hashes, draw
from napari_histossl.phantom.tissue_constants import NucleusShape

TWO_PI = 6.2831853

_LONG, _ROUND, _DARK, _TURN, _PALE = range(20, 25)
"""Which uniform number of a hash decides what; lower ones decide whether."""


@dataclass(frozen=True, slots=True, eq=False)
class Nuclei:
    """Ellipses, one row each.

    Attributes
    ----------
    y_um, x_um : ndarray of float64
        Centre.
    long_um, short_um : ndarray of float32
        Half axes.
    cos, sin : ndarray of float32
        Direction of the long axis: cosine along columns, sine along rows.
    darkness : ndarray of float32
        Haematoxylin at the rim.
    pallor : ndarray of float32
        Share by which the middle is paler than the rim.
    kind : ndarray of uint8
        Class of the cell; 0 for specks and blood, which are drawn but are no nuclei.
    """

    y_um: NDArray[np.float64]
    x_um: NDArray[np.float64]
    long_um: Floats
    short_um: Floats
    cos: Floats
    sin: Floats
    darkness: Floats
    pallor: Floats
    kind: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.y_um)

    def where(self, keep: NDArray[np.bool_]) -> Nuclei:
        """Return the ellipses that are kept."""
        return Nuclei(*(getattr(self, f.name)[keep] for f in fields(self)))


def gather(parts: list[Nuclei]) -> Nuclei:
    """Put ellipses together, in order."""
    return Nuclei(
        *(
            np.concatenate([getattr(part, f.name) for part in parts])
            for f in fields(Nuclei)
        )
    )


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Places where a cell of one kind stands.

    Attributes
    ----------
    hashes : ndarray of uint32
        Randomness of each cell.
    y_um, x_um : ndarray of float64
        Centres.
    kind : int
        Class of the cells, 0 for what is no nucleus.
    """

    hashes: Hashes
    y_um: NDArray[np.float64]
    x_um: NDArray[np.float64]
    kind: int

    def shaped(
        self,
        shape: NucleusShape,
        *,
        scale: float = 1.0,
        darkness: Floats | float = 1.0,
        pallor: tuple[float, float] = (0.1, 0.0),
        axis: tuple[Floats, Floats] | None = None,
        tilt: float = TWO_PI,
    ) -> Nuclei:
        """Give the cells their nuclei.

        Parameters
        ----------
        shape : NucleusShape
            Ranges of size, roundness and darkness.
        scale : float
            Factor on the size.
        darkness : ndarray of shape (N,) or float
            Factor on the darkness.
        pallor : tuple of float
            Mean and half range of the middle's pallor.
        axis : tuple of ndarray, optional
            Cosine and sine of the direction about which long axes lie.
        tilt : float
            Range of the angle about it, in radians.
        """
        low, high = shape.long
        long_um = low + (high - low) * draw(self.hashes, _LONG) ** shape.power
        long_um *= scale
        low, high = shape.roundness
        short_um = long_um * (low + (high - low) * draw(self.hashes, _ROUND))
        low, high = shape.darkness
        dark = (low + (high - low) * draw(self.hashes, _DARK)) * darkness
        turn = (draw(self.hashes, _TURN) - 0.5) * tilt
        cos, sin = np.cos(turn), np.sin(turn)
        if axis is not None:
            cos, sin = axis[0] * cos - axis[1] * sin, axis[1] * cos + axis[0] * sin
        pale = pallor[0] + pallor[1] * (2 * draw(self.hashes, _PALE) - 1)
        return Nuclei(
            self.y_um,
            self.x_um,
            long_um.astype(np.float32),
            short_um.astype(np.float32),
            cos.astype(np.float32),
            sin.astype(np.float32),
            dark.astype(np.float32),
            np.clip(pale, 0, 0.85).astype(np.float32),
            np.full(len(self.hashes), self.kind, np.uint8),
        )
