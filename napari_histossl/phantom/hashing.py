"""Random numbers that depend on a place and nothing else.

A drawn slide has no state: what lies at a lattice point is a hash of the seed, of the
name of the quantity, and of the point. So any box can be drawn alone, in any order.

References
----------
The 32-bit finaliser is `lowbias32` of Chris Wellons, *Prospecting for hash functions*
(2018, public domain); here over arrays, chained over the row and the column.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]
Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Places = NDArray[np.float64]

_MASK = 0xFFFFFFFF
_STEP = 0x9E3779B9
"""Fractional part of the golden ratio times 2**32: spreads consecutive numbers."""


def _mix_number(value: int) -> int:
    value ^= value >> 16
    value = value * 0x7FEB352D & _MASK
    value ^= value >> 15
    value = value * 0x846CA68B & _MASK
    return value ^ (value >> 16)


def _mix(values: Hashes) -> Hashes:
    values = values ^ (values >> np.uint32(16))
    values *= np.uint32(0x7FEB352D)
    values ^= values >> np.uint32(15)
    values *= np.uint32(0x846CA68B)
    values ^= values >> np.uint32(16)
    return values


def stream(seed: int, name: str) -> int:
    """Return the key of one named quantity of one slide.

    Parameters
    ----------
    seed : int
        Seed of the slide.
    name : str
        What is drawn, for example ``"glands.sites"``; part of the frozen setting.

    Returns
    -------
    int
        A key in [0, 2**32).
    """
    mixed = _mix_number((seed & _MASK) ^ _STEP) ^ _mix_number((seed >> 32) & _MASK)
    return _mix_number(mixed ^ zlib.crc32(name.encode()))


def lattice(key: int, rows: Integers, columns: Integers) -> Hashes:
    """Hash lattice points; rows and columns broadcast."""
    along = _mix(rows.astype(np.uint32) * np.uint32(0x9E3779B1) + np.uint32(key))
    return _mix(along ^ (columns.astype(np.uint32) * np.uint32(0xC2B2AE3D)))


def uniform(hashes: Hashes) -> Floats:
    """Turn hashes into numbers in [0, 1), exact multiples of 2**-24."""
    return (hashes >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def draw(hashes: Hashes, which: int) -> Floats:
    """Return the independent uniform number `which` of every hash, in [0, 1)."""
    offset = np.uint32(_STEP * (which + 1) & _MASK)
    return uniform(_mix(hashes + offset))


@dataclass(frozen=True, slots=True)
class Dice:
    """Named uniform numbers of one slide, for what holds for the slide as a whole.

    Attributes
    ----------
    seed : int
        Seed of the slide.
    """

    seed: int

    def between(self, name: str, bounds: tuple[float, float]) -> float:
        """Return the number of that name, uniform between two bounds."""
        low, high = bounds
        return low + (high - low) * stream(self.seed, "slide." + name) / 2.0**32
