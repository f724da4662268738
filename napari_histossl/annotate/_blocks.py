"""Blocks: the squares in which large changes are handled, so that memory is bounded."""

from __future__ import annotations

from collections.abc import Iterator

from napari_histossl.geometry import Box

BLOCK_PX = 1024
"""Edge of a block, a whole number of chunks; journals count in blocks, so it stays."""

_ROW_BITS = 32
"""A block's number is its row shifted by so many bits, plus its column."""


def blocks_of(box: Box) -> Iterator[Box]:
    """Yield a box cut along the grid of blocks, row by row."""
    for row in range(box.y // BLOCK_PX, (box.y1 - 1) // BLOCK_PX + 1):
        for column in range(box.x // BLOCK_PX, (box.x1 - 1) // BLOCK_PX + 1):
            block = Box(row * BLOCK_PX, column * BLOCK_PX, BLOCK_PX, BLOCK_PX)
            part = block.intersection(box)
            assert part is not None  # the range names touching blocks only
            yield part


def number_of(box: Box) -> int:
    """Return the number of the block that holds the first pixel of a box."""
    return (box.y // BLOCK_PX << _ROW_BITS) + box.x // BLOCK_PX


def block_of(number: int) -> Box:
    """Return the block of a number; it may hang over the edge of the mask."""
    row, column = number >> _ROW_BITS, number & (1 << _ROW_BITS) - 1
    return Box(row * BLOCK_PX, column * BLOCK_PX, BLOCK_PX, BLOCK_PX)


def around(boxes: list[Box]) -> Box:
    """Return the smallest box that holds all of them; there is at least one."""
    whole = boxes[0]
    for box in boxes[1:]:
        whole = whole.union(box)
    return whole
