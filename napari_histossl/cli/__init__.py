"""The same functions as in the window, from a shell."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer

from napari_histossl.errors import HistoSSLError

_GROUPS = (
    "_view",
    "_slides",
    "_attention",
    "_segment",
    "_hierarchy",
    "_features",
    "_embeddings",
    "_mask",
    "_learn",
    "_study",
    "_study_design",
    "_study_report",
    "_data",
    "_train",
    "_pseudo_masks",
    "_evaluate",
    "_weights",
)
"""Files of this folder; each has ``register(app)`` and imports heavy things late."""

app = typer.Typer(
    name="napari-histossl",
    help="Look at, correct and judge histology slides with self-supervised models.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for _group in _GROUPS:
    importlib.import_module(f"{__name__}.{_group}").register(app)


def main(arguments: list[str] | None = None) -> Any:
    """Run a command; an expected error is one sentence on stderr and exit code 1."""
    try:
        return app(args=arguments)
    except HistoSSLError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
