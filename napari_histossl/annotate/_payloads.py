"""Texts that an entry of a journal carries: a comment, what is signed."""

from __future__ import annotations

import json

from napari_histossl.annotate._entries import Entry
from napari_histossl.errors import JournalError


def payload_of(**texts: str) -> bytes:
    """Return texts as an entry holds them; the same texts give the same bytes."""
    return json.dumps(texts, sort_keys=True).encode()


def texts_of(entry: Entry, payload: bytes, what: str, *names: str) -> tuple[str, ...]:
    """Return the texts of these names that an entry holds.

    Parameters
    ----------
    entry : Entry
        The entry.
    payload : bytes
        What it holds, from `payload_of`.
    what : str
        What it is, for the message.
    *names : str
        Names of the texts.

    Raises
    ------
    JournalError
        If one of them is not there.
    """
    try:
        facts = json.loads(payload)
        return tuple(str(facts[name]) for name in names)
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(
            f"the {what} in entry {entry.seq} cannot be read ({error}); restore the "
            f"journal from a copy"
        ) from error
