"""Who sees which picture when: balanced blocks, drawn from a sealed seed.

The pictures are grouped once into blocks of four, two real and two synthetic (one block
of two where the number of a class is odd). Every reader gets the blocks in an order of
their own, and the pictures of a block in an order of their own. At most four pictures
of one class follow one another: two end a block, two start the next.

Notes
-----
All readers share the blocks on purpose. The orders are stored in the study file, which
readers hold. With blocks of each reader's own, the orders of a few readers together
would be enough equations to work out the classes of all pictures up to a swap. With
shared blocks, any number of orders tells no more than one: that each block holds as
many real as synthetic pictures. Given the blocks, an order does not depend on classes.

Sorting by a keyed hash is the shuffle: without a bias, the same with every version of
every library, and to be repeated by the owner, who has the seed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

PAIR = 2
"""Pictures of each class in a full block; longest run is twice this."""

Block = tuple[str, ...]
"""Case ids of one block."""


def draw_blocks(
    seed: bytes, real: Sequence[str], synthetic: Sequence[str]
) -> list[Block]:
    """Group as many real as synthetic cases into balanced blocks.

    Parameters
    ----------
    seed : bytes
        The sealed seed of the study.
    real, synthetic : sequence of str
        Case ids of the two classes, equally many.

    Returns
    -------
    list of tuple of str
        Blocks of four ids, and one of two where the number of a class is odd.
    """
    real = shuffle(seed, "blocks/real", real)
    synthetic = shuffle(seed, "blocks/synthetic", synthetic)
    return [
        (*real[start : start + PAIR], *synthetic[start : start + PAIR])
        for start in range(0, len(real), PAIR)
    ]


def draw_order(seed: bytes, reader: str, blocks: Sequence[Block]) -> list[str]:
    """Return the case ids in the order in which a reader sees them.

    Parameters
    ----------
    seed : bytes
        The sealed seed of the study.
    reader : str
        The reader's pseudonym.
    blocks : sequence of tuple of str
        What `draw_blocks` returned.
    """
    by_name = {min(block): block for block in blocks}
    names = shuffle(seed, f"reader/{reader}/blocks", list(by_name))
    return [
        case
        for name in names
        for case in shuffle(seed, f"reader/{reader}/cases", by_name[name])
    ]


def shuffle(seed: bytes, purpose: str, items: Sequence[str]) -> list[str]:
    """Return items in a random order that only the seed and the purpose decide."""
    return sorted(items, key=lambda item: derive(seed, f"{purpose}\0{item}"))


def derive(seed: bytes, purpose: str) -> bytes:
    """Return 32 bytes that depend on the seed and on what they are for."""
    return hmac.new(seed, purpose.encode(), hashlib.sha256).digest()
