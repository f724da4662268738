"""Which key picks which class."""

from __future__ import annotations

import string
from collections.abc import Collection

from napari_histossl.classes import ClassTable


def class_keys(classes: ClassTable, taken: Collection[str]) -> dict[int, str]:
    """Return a letter for each class: its own, one of its name, or any that is free.

    Parameters
    ----------
    classes : ClassTable
        Classes of a mask; those of imported files bring no keys, and some tables keys
        that mean a tool here.
    taken : collection of str
        Capital letters that mean something else.

    Returns
    -------
    dict of int to str
        By index; classes beyond the letters of the alphabet have none.
    """
    keys: dict[int, str] = {}
    free = [letter for letter in string.ascii_uppercase if letter not in taken]
    for info in classes:
        if info.key.upper() in free:
            keys[info.index] = info.key.upper()
            free.remove(info.key.upper())
    for info in classes:
        if info.index not in keys and free:
            wished = [letter for letter in info.name.upper() if letter in free]
            keys[info.index] = (wished or free)[0]
            free.remove(keys[info.index])
    return keys
