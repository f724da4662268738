"""Who sees which picture when: balanced blocks, drawn from a sealed seed.

The pictures are grouped once into blocks of two or four, as many real as synthetic
(where one class has more, its share of each). Every reader gets the blocks in an order
of their own, and the pictures of a block in an order of their own. At most four
pictures of one class follow one another where classes are equally many: two end a
block, two start the next. How long each block is decides the seed, so that nobody who
is sure of three pictures knows the fourth.

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
from collections.abc import Mapping, Sequence

PAIR = 2
"""Most pictures of the smaller class in a block; the longest run is twice this."""

Block = tuple[str, ...]
"""Case ids of one block."""


def draw_blocks(
    seed: bytes,
    real: Sequence[str],
    synthetic: Sequence[str],
    strata: Mapping[str, str] | None = None,
) -> list[Block]:
    """Group real and synthetic cases into balanced blocks.

    Parameters
    ----------
    seed : bytes
        The sealed seed of the study.
    real, synthetic : sequence of str
        Case ids of the two classes.
    strata : mapping of str to str, optional
        Stratum (organ, site, generator) of cases; each is spread over the blocks.

    Returns
    -------
    list of tuple of str
        Blocks with one or two ids of the smaller class, and the share of the other.
    """
    strata = strata or {}
    real = _spread(seed, "blocks/real", real, strata)
    synthetic = _spread(seed, "blocks/synthetic", synthetic, strata)
    fewer, more = sorted((real, synthetic), key=len)
    cuts = _draw_cuts(seed, len(fewer)) if fewer else [len(more)]
    ends = [round(cut * len(more) / max(len(fewer), 1)) for cut in cuts]
    ends[-1] = len(more)
    return [
        (*fewer[start:cut], *more[first:end])
        for start, cut, first, end in zip(
            [0, *cuts], cuts, [0, *ends], ends, strict=False
        )
        if cut > start or end > first
    ]


def _draw_cuts(seed: bytes, count: int) -> list[int]:
    """Return where blocks end: after one or two of the smaller class."""
    cuts: list[int] = []
    at = 0
    while at < count:
        at = min(at + 1 + derive(seed, f"blocks/length/{at}")[0] % PAIR, count)
        cuts.append(at)
    return cuts


def _spread(
    seed: bytes, purpose: str, cases: Sequence[str], strata: Mapping[str, str]
) -> list[str]:
    """Shuffle cases within their strata, and strata evenly into one another."""
    members: dict[str, list[str]] = {}
    for case in cases:
        members.setdefault(strata.get(case, ""), []).append(case)
    placed = [
        ((place + 0.5) / len(mine), derive(seed, f"{purpose}/tie\0{case}"), case)
        for mine in members.values()
        for place, case in enumerate(shuffle(seed, purpose, mine))
    ]
    return [case for _place, _tie, case in sorted(placed)]


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
