"""Numbers about a picture that have nothing to do with what is on it.

Each group looks at one thing that ways of making a picture leave behind: how well it
can be packed, colour, histogram, traces of blocks, sharpness, borders. A pathologist
needs none of them; if one of them tells the classes apart, a reader may use it too.
"""

from __future__ import annotations

import io
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn

Picture = NDArray[np.uint8]
"""RGB of shape (height, width, 3)."""

_TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]]
)
"""Luminance and two chrominances as JPEG has them, from RGB."""

_BLOCK_PX = 8
"""Edge of the blocks of JPEG."""

_DIAGONALS = (1, 3, 6, 9, 12, 14)
"""Sums of row and column of the coefficients that are looked at, coarse to fine."""

_RINGS = 12
"""Bands of spatial frequency, from coarse to fine."""

_PERCENTILES = (0, 0.5, 5, 25, 50, 75, 95, 99.5, 100)

_THUMB_PX = 16
"""Edge of the miniature by which pictures are compared."""

_FLOOR = 1e-3
"""Added before logarithms: far below what one grey level of noise contributes."""


def file_sizes(picture: Picture) -> list[float]:
    """Return logarithms of the lengths as PNG and as JPEG of two qualities."""
    return [
        _packed(picture, format="PNG", compress_level=4),
        _packed(picture, format="JPEG", quality=75),
        _packed(picture, format="JPEG", quality=95, subsampling=0),
    ]


def _packed(picture: Picture, **options: object) -> float:
    sink = io.BytesIO()
    Image.fromarray(picture, "RGB").save(sink, **options)  # type: ignore[arg-type]
    return float(np.log(sink.tell()))


def mean_colours(picture: Picture) -> list[float]:
    """Return mean and spread of each channel, and how the channels hang together.

    Two dyes leave the densities of all pixels on one plane through the light of the
    empty glass. An offset of a few grey levels is small beside the differences between
    tissues, but it moves that plane.
    """
    flat = picture.reshape(-1, 3).astype(np.float64)
    numbers = [*flat.mean(axis=0), *flat.std(axis=0)]
    density = -np.log((flat + 1) / 256)
    for values in (flat, density):
        for channel in range(3):
            numbers += _plane(values, channel)
    return numbers


def _plane(values: NDArray[np.float64], channel: int) -> list[float]:
    """Return the coefficients by which the other two channels predict a channel."""
    others = np.delete(values, channel, axis=1)
    design = np.column_stack([np.ones(len(values)), others])
    gram = design.T @ design + 1e-6 * np.eye(3)
    found: list[float] = np.linalg.solve(gram, design.T @ values[:, channel]).tolist()
    return found


def histograms(picture: Picture) -> list[float]:
    """Return percentiles of each channel, and how many levels stay unused or stick out.

    A picture that was stretched or requantised has a histogram like a comb.
    """
    numbers: list[float] = []
    for channel in range(3):
        values = picture[..., channel]
        counts = np.bincount(values.ravel(), minlength=256) / values.size
        comb = np.abs(counts[1:-1] - (counts[:-2] + counts[2:]) / 2).sum()
        numbers += [*np.percentile(values, _PERCENTILES), comb, counts[0], counts[255]]
    return numbers


def block_energies(picture: Picture) -> list[float]:
    """Return energies by frequency of blocks of 8 px, and how their edges stick out."""
    planes = _planes(picture)
    diagonal = np.add.outer(np.arange(_BLOCK_PX), np.arange(_BLOCK_PX))
    numbers = [
        float(np.log(energy[diagonal == one].mean() + _FLOOR))
        for energy in map(_mean_block, planes)
        for one in _DIAGONALS
    ]
    return [*numbers, _blockiness(planes[0]), _blockiness(planes[0].T)]


def _planes(picture: Picture) -> NDArray[np.float64]:
    """Return luminance and chrominances: (3, height, width)."""
    planes: NDArray[np.float64] = np.einsum("cd,yxd->cyx", _TO_YCC, picture)
    return planes


def _mean_block(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean absolute coefficients of the plane's whole blocks: (8, 8)."""
    rows, columns = (length // _BLOCK_PX for length in plane.shape)
    blocks = plane[: rows * _BLOCK_PX, : columns * _BLOCK_PX].reshape(
        rows, _BLOCK_PX, columns, _BLOCK_PX
    )
    mean: NDArray[np.float64] = np.abs(
        dctn(blocks, axes=(1, 3), norm="ortho"),
    ).mean(axis=(0, 2))
    return mean


def _blockiness(plane: NDArray[np.float64]) -> float:
    """Return by how much steps between rows are larger at one phase of 8 than others.

    All phases are tried: crops of a JPEG need not begin where its blocks do.
    """
    steps = np.abs(np.diff(plane, axis=0)).mean(axis=1)
    phases = np.array([steps[phase::_BLOCK_PX].mean() for phase in range(_BLOCK_PX)])
    return float(np.log((phases.max() + _FLOOR) / (np.median(phases) + _FLOOR)))


def spectra(picture: Picture) -> list[float]:
    """Return energies of rings of the Fourier spectrum, luminance and chrominance."""
    luminance, blue, red = _planes(picture)
    window = np.outer(*(np.hanning(length) for length in luminance.shape))
    rings = _rings(*luminance.shape)
    return [
        number
        for plane in (luminance, blue + red)
        for number in _ring_energies(plane, window, rings)
    ]


def _rings(height: int, width: int) -> NDArray[np.intp]:
    """Return the ring of each coefficient of a real transform."""
    radius = np.hypot.outer(np.fft.fftfreq(height), np.fft.rfftfreq(width))
    rings: NDArray[np.intp] = (radius / 0.5 * _RINGS).astype(np.intp)
    return rings.clip(max=_RINGS - 1)


def _ring_energies(
    plane: NDArray[np.float64], window: NDArray[np.float64], rings: NDArray[np.intp]
) -> NDArray[np.float64]:
    power = np.abs(np.fft.rfft2((plane - plane.mean()) * window)) ** 2 / plane.size
    sums = np.bincount(rings.ravel(), power.ravel(), minlength=_RINGS)
    counts = np.maximum(np.bincount(rings.ravel(), minlength=_RINGS), 1)
    energies: NDArray[np.float64] = np.log(sums / counts + _FLOOR)
    return energies


def borders(picture: Picture) -> list[float]:
    """Return how the outermost rows and columns differ from those next to them."""
    values = picture.astype(np.float64)
    inner = np.abs(np.diff(values, axis=0)).mean() + _FLOOR
    sides = []
    for side in (values, values[::-1], *(np.rot90(values, turn) for turn in (1, 3))):
        step = np.abs(side[0] - side[1]).mean() / inner
        sides.append((np.log(step + _FLOOR), side[0].std(), side[0].mean()))
    steps, spreads, means = (np.array(column) for column in zip(*sides, strict=True))
    level = values.mean()
    return [
        *np.sort(steps),
        float(np.log(spreads.min() + 1) - np.log(values.std() + 1)),
        float(means.min() - level),
        float(means.max() - level),
    ]


GROUPS = MappingProxyType(
    {
        "file size": file_sizes,
        "mean colour": mean_colours,
        "histogram": histograms,
        "DCT energy": block_energies,
        "FFT energy": spectra,
        "borders": borders,
    }
)
"""What is looked at in each picture, by name."""


def miniature(picture: Picture) -> NDArray[np.float64]:
    """Return a small grey picture of mean 0 and length 1, by which to compare.

    Returns
    -------
    ndarray of shape (256,) and dtype float64
        The product of two of them is their correlation; all 0 for a plain picture.
    """
    grey = Image.fromarray(picture, "RGB").convert("L")
    small = grey.resize((_THUMB_PX, _THUMB_PX), Image.Resampling.BOX)
    values = np.asarray(small, np.float64).ravel()
    values = values - values.mean()
    length = float(np.linalg.norm(values))
    unit: NDArray[np.float64] = values / (length or 1.0)
    return unit


def likeness(miniatures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how alike each picture is to the three most alike others.

    Parameters
    ----------
    miniatures : ndarray of shape (N, D) and dtype float64
        Of all pictures.

    Returns
    -------
    ndarray of shape (N, 3) and dtype float64
        Correlations, the largest first; 0 where there are fewer others.
    """
    alike = miniatures @ miniatures.T
    np.fill_diagonal(alike, 0.0)
    found = np.zeros((len(alike), 3))
    most = min(3, len(alike))
    found[:, :most] = np.sort(alike, axis=1)[:, ::-1][:, :most]
    return found
