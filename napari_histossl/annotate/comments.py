"""What people wrote about regions of a mask; entries of its journal like any other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from napari_histossl.annotate._entries import Entry
from napari_histossl.annotate._payloads import payload_of, texts_of
from napari_histossl.annotate.formats.shapes import (
    LONGEST_NAME,
    Polygon,
    Shape,
    Shapes,
)
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box

_LONGEST_TEXT = 4000
"""Most characters of a comment: a page."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a region.

    Attributes
    ----------
    seq : int
        Number of its entry in the journal.
    author, utc : str
        Who wrote it, and when, as an ISO 8601 date in UTC.
    box : Box
        The region, in pixels of the mask's level 0.
    text : str
        The comment; empty if it takes back the one before.
    about : str
        Name of the object that it is about, or an empty string; see
        `review.ObjectTable.names`.
    replaces : int
        Entry of the comment in whose place it stands, 0 for none.
    """

    seq: int
    author: str
    utc: str
    box: Box
    text: str
    about: str
    replaces: int


def pack_comment(text: str, about: str) -> bytes:
    """Return what a comment's entry holds beside its box.

    Raises
    ------
    AnnotationError
        If the text is longer than 4,000 characters.
    """
    if len(text) > _LONGEST_TEXT:
        raise AnnotationError(
            f"a comment has at most {_LONGEST_TEXT} characters; got {len(text)}"
        )
    return payload_of(text=text, about=about)


def comment_of(entry: Entry, payload: bytes) -> Comment:
    """Return the comment of an entry.

    Raises
    ------
    JournalError
        If it is none.
    """
    text, about = texts_of(entry, payload, "comment", "text", "about")
    assert entry.box is not None  # it is written with one
    return Comment(
        entry.seq, entry.author, entry.utc, entry.box, text, about, entry.target
    )


def standing(comments: Iterable[Comment]) -> list[Comment]:
    """Return the comments that nobody has replaced or taken back, oldest first."""
    found: dict[int, Comment] = {}
    for comment in comments:
        found.pop(comment.replaces, None)
        if comment.text:
            found[comment.seq] = comment
    return list(found.values())


def as_shapes(comments: Iterable[Comment], downsample: float) -> Shapes:
    """Return comments as objects without a class, for other programs.

    Parameters
    ----------
    comments : iterable of Comment
        From a mask.
    downsample : float
        Pixels of the slide's level 0 per pixel of the mask.

    Returns
    -------
    Shapes
        Rectangles, each named after its comment, with who wrote it and when; what is
        longer than 200 characters is cut off.
    """
    return Shapes(tuple(_shape(comment, downsample) for comment in comments))


def _shape(comment: Comment, downsample: float) -> Shape:
    box = comment.box
    corners = [(box.y, box.x), (box.y, box.x1), (box.y1, box.x1), (box.y1, box.x)]
    by = f" ({comment.author}, {comment.utc[:16].replace('T', ' ')} UTC)"
    name = comment.text[: LONGEST_NAME - len(by)] + by
    return Shape((Polygon(np.array(corners) * downsample),), name=name)
