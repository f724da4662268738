"""Texts without the names that people may not see."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

_TELLING = 4
"""A file name without its suffix tells something from this length on; hiding "1" would
only spoil numbers in the text."""


def names_of(path: str | Path, alias: str) -> dict[str, str]:
    """Return the ways in which a text may name a file, and what to say in their place.

    Examples
    --------
    >>> sorted(names_of("/data/Jane Doe.svs", "Slide 7"))
    ['/data/Jane Doe.svs', 'Jane Doe', 'Jane Doe.svs']
    """
    path = Path(path)
    names = {str(path): alias, path.name: alias}
    if len(path.stem) >= _TELLING:
        names[path.stem] = alias
    return names


def masked(text: str, hidden: Mapping[str, str]) -> str:
    """Return a text with other names in the place of those that are hidden.

    Parameters
    ----------
    text : str
        A sentence.
    hidden : mapping of str to str
        Names that people may not see, and what is said in their place. Whole words:
        a name inside a longer word or a number is none.

    Examples
    --------
    >>> masked("roe.tif: 12 errors", {"roe.tif": "Slide 2", "roe": "Slide 2"})
    'Slide 2: 12 errors'
    >>> masked("heroes keep 1,200 tiles", {"roe": "Slide 2", "200": "Slide 3"})
    'heroes keep 1,200 tiles'
    """
    if not hidden:
        return text
    longest_first = sorted(hidden, key=len, reverse=True)  # a path holds a name
    names = "|".join(re.escape(name) for name in longest_first)
    whole = rf"(?<!\w)(?<!\d[.,])(?:{names})(?!\w)(?![.,]\d)"
    return re.sub(whole, lambda found: hidden[found[0]], text)
