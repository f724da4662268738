"""Sentences without the names that a masked slide hides."""

from __future__ import annotations

from pathlib import Path

from napari_histossl.errors import HistoSSLError, PlanError
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._workbench import Workbench


def _hidden_names(bench: Workbench) -> dict[str, str]:
    """Return what may not be read of the slide in view, and what is said in its place.

    The longest comes first: a path holds the name of its file.
    """
    shown = bench.shown
    if shown is None or not shown.is_masked:
        return {}
    told = {str(shown.folder): "its results folder", shown.source.name: shown.name}
    path = getattr(shown.source, "path", None)
    if path is not None:
        told[str(path)] = shown.name
        told[Path(path).stem] = shown.name
    ordered = sorted(told.items(), key=lambda item: len(item[0]), reverse=True)
    return dict(ordered)


def masked(text: str, bench: Workbench) -> str:
    """Return a text as it may be read by whoever looks at the slide in view."""
    for name, alias in _hidden_names(bench).items():
        text = text.replace(name, alias)
    return text


def show_masked(error: HistoSSLError, bench: Workbench) -> None:
    """Show the sentence of an error, without what may not be read."""
    text = masked(str(error), bench)
    show_error(error if text == str(error) else PlanError(text))
