"""Names from files of others: short, plain, and never a place on the disk."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import Any

from napari_histossl.annotate.formats.shapes import LONGEST_NAME
from napari_histossl.errors import AnnotationError


def checked_name(given: Any, what: str) -> str:
    """Return a name from a file, without blanks around it.

    Parameters
    ----------
    given : Any
        What the file has.
    what : str
        "class" or "name", for the message.

    Raises
    ------
    AnnotationError
        If it is no text, longer than `LONGEST_NAME`, has control characters, or is a
        path: nothing here uses names as files, but what is exported may go on to
        programs that do. ``CD3/CD8`` is a name.
    """
    if not isinstance(given, str):
        raise AnnotationError(f"has the {what} {str(given)[:60]!r}; expected a text")
    name = given.strip()
    if len(name) > LONGEST_NAME:
        raise AnnotationError(
            f"has a {what} of {len(name):,} characters ({name[:20]!r}...); expected "
            f"at most {LONGEST_NAME}"
        )
    if not name.isprintable():
        raise AnnotationError(f"has the {what} {name!r} with control characters in it")
    if _is_path(name):
        raise AnnotationError(f"has the {what} {name!r}, which is a path, not a name")
    return name


def _is_path(name: str) -> bool:
    windows = PureWindowsPath(name)  # takes both kinds of slashes for separators
    # a drive alone is no path: a class derived from another may be called "T: positive"
    return bool(windows.root) or name.startswith("~") or ".." in windows.parts
