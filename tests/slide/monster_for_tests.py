"""Huge files of one level that take kilobytes."""

from __future__ import annotations

import struct
from pathlib import Path

import imagecodecs
import numpy as np


def one_level_tiff(path: Path, side: int, tiles: list[bytes]) -> Path:
    """Write a tiled BigTIFF of one level in which few tiles stand for all of them.

    A slide of any size in a few kilobytes a thousand tiles: no pixel is stored twice.
    """
    payload = b"".join(tiles)
    across = -(-side // 256)
    first = 16 + np.cumsum([0, *(len(tile) for tile in tiles)])
    which = (np.arange(across * across) * 7) % len(tiles)
    offsets = first[which].astype("<u8").tobytes()
    counts = np.array([len(tile) for tile in tiles])[which].astype("<u8").tobytes()
    bits_at = 16 + len(payload)
    offsets_at, counts_at = bits_at + 8, bits_at + 8 + len(offsets)
    n = across * across
    tags = [
        (256, 4, 1, side),
        (257, 4, 1, side),
        (258, 3, 3, 8 | 8 << 16 | 8 << 32),
        (259, 3, 1, 8),
        (262, 3, 1, 2),
        (277, 3, 1, 3),
        (284, 3, 1, 1),
        (322, 4, 1, 256),
        (323, 4, 1, 256),
        (324, 16, n, offsets_at),
        (325, 16, n, counts_at),
    ]
    directory = struct.pack("<Q", len(tags))
    directory += b"".join(struct.pack("<HHQQ", *tag) for tag in tags)
    directory += struct.pack("<Q", 0)
    header = b"II" + struct.pack("<HHHQ", 43, 8, 0, counts_at + len(counts))
    body = payload + struct.pack("<Q", 0) + offsets + counts
    path.write_bytes(header + body + directory)
    return path


def write_monster(path: Path, side: int = 30_000) -> Path:
    """Write one level of many pixels: tiles of five colours in turn."""
    colours = np.random.default_rng(0).integers(0, 256, (5, 3), np.uint8)
    tiles = [
        imagecodecs.deflate_encode(np.full((256, 256, 3), colour, np.uint8).tobytes())
        for colour in colours
    ]
    return one_level_tiff(path, side, tiles)
