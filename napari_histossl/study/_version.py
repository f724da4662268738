"""Which version of the program made a record."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def application_version() -> str:
    """Return the name and version of this program."""
    try:
        return f"napari-histossl {version('napari-histossl')}"
    except PackageNotFoundError:
        return "napari-histossl, not installed"
