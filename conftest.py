"""Where torch or Qt is not installed, the rooms that need it are not collected.

The rest of the package promises to work without them, and its tests run there.
"""

from __future__ import annotations

from importlib.util import find_spec

NEEDS_TORCH = ("models", "overlays", "training")

collect_ignore_glob: list[str] = []
if find_spec("torch") is None:
    for room in NEEDS_TORCH:
        collect_ignore_glob += [f"napari_histossl/{room}/*", f"tests/{room}/*"]
if find_spec("PySide6") is None and find_spec("PyQt6") is None:
    collect_ignore_glob += ["napari_histossl/widgets/*", "tests/widgets/*"]
