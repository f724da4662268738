"""Imports stay light and point down; files stay short; the public list is true."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import napari_histossl

PACKAGE = Path(napari_histossl.__file__).parent
ROOT = PACKAGE.parent
WINDOW = {"qtpy", "PySide6", "PyQt6", "superqt", "magicgui", "napari", "vispy"}
LEARNING = {"torch", "safetensors"}

ROOMS_WITHOUT_WINDOW = [
    "jobs",
    "slide",
    "store",
    "models",
    "phantom",
    "metrics",
    "overlays",
    "training",
    "annotate",
    "study",
    "napari_io",
    "panels",
]
ROOMS_WITH_TORCH = {"models", "overlays", "training"}


def run_python(code: str, **environment: str) -> str:
    """Return what code prints in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def roots_loaded_by(code: str) -> set[str]:
    """Return the top-level packages that code loads."""
    tail = "\nimport sys\nprint('\\nLOADED', *{m.split('.')[0] for m in sys.modules})"
    return set(run_python(code + tail).rpartition("LOADED")[2].split())


def import_all_of(room: str) -> str:
    """Return code that imports every module of a room."""
    modules = sorted((PACKAGE / room).rglob("*.py"))
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules
    ]
    return "\n".join(f"import {name}" for name in names)


HELP_OF_EVERY_COMMAND = """
import typer
from napari_histossl.cli import app, main

def every(command, words):
    yield words
    for name, child in getattr(command, "commands", {}).items():
        yield from every(child, [*words, name])

for words in every(typer.main.get_command(app), []):
    try:
        main([*words, "--help"])
    except SystemExit as end:
        assert not end.code, words
"""


# ---- Light imports ----


def test_importing_the_package_loads_next_to_nothing() -> None:
    heavy = WINDOW | LEARNING | {"numpy", "dask", "zarr", "openslide", "typer"}
    assert not roots_loaded_by("import napari_histossl") & heavy


@pytest.mark.parametrize("room", sorted({*ROOMS_WITHOUT_WINDOW} - ROOMS_WITH_TORCH))
def test_room_loads_neither_window_nor_torch(room: str) -> None:
    assert not roots_loaded_by(import_all_of(room)) & (WINDOW | LEARNING)


@pytest.mark.torch
@pytest.mark.parametrize("room", sorted(ROOMS_WITH_TORCH))
def test_room_with_torch_loads_no_window(room: str) -> None:
    assert not roots_loaded_by(import_all_of(room)) & WINDOW


def test_help_of_every_command_loads_neither_window_nor_torch() -> None:
    assert not roots_loaded_by(HELP_OF_EVERY_COMMAND) & (WINDOW | LEARNING)


@pytest.mark.torch
@pytest.mark.parametrize("hash_seed", ["0", "7"])  # they decide the order
def test_everything_can_be_imported_eagerly(hash_seed: str) -> None:
    run_python("import napari_histossl", EAGER_IMPORT="1", PYTHONHASHSEED=hash_seed)


# ---- The public list ----


def public_names() -> list[str]:
    """Return the names that the stub of the package lists."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [alias.asname or alias.name for node in imports for alias in node.names]


@pytest.mark.parametrize("name", public_names())
def test_public_name_exists(name: str) -> None:
    assert getattr(napari_histossl, name) is not None
    assert name in napari_histossl.__all__


# ---- Structure ----


def test_import_contracts_hold() -> None:
    pytest.importorskip("importlinter", reason="import-linter comes with [dev]")
    code = "from importlinter.cli import lint_imports_command as run; run()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_rooms_are_those_of_the_contracts() -> None:
    """A new room is a decision: it needs a layer in the import contracts."""
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == {*ROOMS_WITHOUT_WINDOW, "widgets", "cli"}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_file_is_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines < 500, f"{lines} lines; one idea a file: split it"
