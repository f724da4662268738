"""The slides of the pan and zoom benchmark: a large file, and one without any."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from scipy import ndimage

from napari_histossl.geometry import Box, Level
from napari_histossl.slide import Slide

SIDE_PX = 40_960
_TILE, _STEP, _QUALITY, _PATTERN_PX = 256, 4, 75, 2048


def write_slide(path: Path, side_px: int = SIDE_PX) -> None:
    """Write an Aperio-like JPEG pyramid with steps of 4 that OpenSlide opens.

    Blobs and fine noise in the colours of H&E; every tile is shaded by its place, so
    that one in the wrong place is seen.
    """
    pattern = _pattern(np.random.default_rng(0))
    half = np.empty((side_px // _STEP, side_px // _STEP, 3), np.uint8)
    partial = path.with_name(path.name + ".partial")
    with tifffile.TiffWriter(partial, bigtiff=True) as writer:
        _write(writer, _first_level(pattern, half, side_px), (side_px, side_px))
        thumbnail = np.ascontiguousarray(half[::10, ::10])
        writer.write(
            thumbnail,
            rowsperstrip=16,
            description=_description(side_px, thumbnail.shape[:2]),
            **_JPEG,
        )
        level = half
        while True:
            _write(writer, _tiles(level), level.shape[:2], side_px)
            if max(level.shape) < 4096:
                break
            level = _block_mean(level)
    partial.replace(path)


_JPEG = {
    "photometric": "rgb",
    "compression": "jpeg",
    "compressionargs": {"level": _QUALITY},
    "metadata": None,
    "subfiletype": 0,
}


def _write(writer, tiles, shape, side_px=None):
    writer.write(
        tiles,
        shape=(*shape, 3),
        dtype=np.uint8,
        tile=(_TILE, _TILE),
        description=_description(side_px or shape[0], shape),
        maxworkers=2,
        **_JPEG,
    )


def _description(side_px, shape):
    return (
        f"Aperio Image Library v12.0.15 \r\n{side_px}x{side_px} "
        f"[0,0 {side_px}x{side_px}] ({_TILE}x{_TILE}) -> {shape[1]}x{shape[0]} "
        f"JPEG/RGB Q={_QUALITY}|AppMag = 40|MPP = 0.2500"
    )


def _pattern(random) -> np.ndarray:
    def blobs(sigma):
        field = random.standard_normal((_PATTERN_PX, _PATTERN_PX))
        field = ndimage.gaussian_filter(field, sigma, mode="wrap")
        return ((field - field.min()) / np.ptp(field))[..., None]

    nuclei = np.clip((blobs(6) - 0.55) * 8, 0, 1)
    tissue = np.clip((blobs(60) - 0.42) * 10, 0, 1)
    stained = (1 - nuclei) * (235, 180, 205) + nuclei * (95, 60, 140)
    picture = (1 - tissue) * (244, 242, 245) + tissue * stained
    picture += (blobs(1.2) - 0.5) * 70 * (0.25 + 0.75 * tissue)
    return picture.clip(0, 255).astype(np.int16)


def _first_level(pattern, half, side_px) -> Iterator[np.ndarray]:
    small = _TILE // _STEP
    for row in range(side_px // _TILE):
        for column in range(side_px // _TILE):
            y, x = row * _TILE % _PATTERN_PX, column * _TILE % _PATTERN_PX
            tile = pattern[y : y + _TILE, x : x + _TILE].copy()
            tile[..., 0] += int(row * _TILE / side_px * 40) - 20
            tile[..., 2] += int(column * _TILE / side_px * 40) - 20
            tile = tile.clip(0, 255).astype(np.uint8)
            half[row * small :, column * small :][:small, :small] = _block_mean(tile)
            yield tile


def _tiles(level) -> Iterator[np.ndarray]:
    for y in range(0, level.shape[0], _TILE):
        for x in range(0, level.shape[1], _TILE):
            part = level[y : y + _TILE, x : x + _TILE]
            tile = np.full((_TILE, _TILE, 3), 255, np.uint8)
            tile[: part.shape[0], : part.shape[1]] = part
            yield tile


def _block_mean(level) -> np.ndarray:
    height, width = (length // _STEP * _STEP for length in level.shape[:2])
    blocks = level[:height, :width].reshape(
        height // _STEP, _STEP, width // _STEP, _STEP, 3
    )
    return blocks.mean((1, 3)).astype(np.uint8)


@dataclass(frozen=True)
class PatternSource:
    """The record of a pattern."""

    side_px: int
    latency_s: float

    @property
    def name(self) -> str:
        return f"pattern of {self.side_px} px"

    @property
    def fingerprint(self) -> str:
        return self.name

    def open(self) -> PatternSlide:
        return PatternSlide(self.side_px, self.latency_s)


class PatternSlide(Slide):
    """A slide of any size that costs next to nothing to read, and no file."""

    def __init__(self, side_px: int, latency_s: float = 0.0) -> None:
        self.source = PatternSource(side_px, latency_s)
        steps = max(0, int(np.ceil(np.log2(side_px / 512))))
        self.levels = tuple(
            Level((-(-side_px // 2**step),) * 2, float(2**step))
            for step in range(steps + 1)
        )
        self.mpp_yx = (0.25, 0.25)
        self._latency_s = latency_s

    def _read_inside(self, box: Box, level: int) -> np.ndarray:
        if self._latency_s:
            time.sleep(self._latency_s)
        rows = np.arange(box.y, box.y1)[:, None]
        columns = np.arange(box.x, box.x1)
        picture = np.empty((*box.shape, 3), np.uint8)
        picture[..., 0] = 150 + (rows >> 3 & 31) + (columns >> 4 & 31)
        picture[..., 1] = 60 + (rows >> 6 & 63) + 8 * level
        picture[..., 2] = 120 + (columns >> 6 & 63)
        return picture

    def close(self) -> None:
        """Nothing to release."""
