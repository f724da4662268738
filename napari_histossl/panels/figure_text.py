"""Text of figures: how wide it is, where its lines break."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import ImageFont


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text and its box, in pixels from the upper left corner."""

    x: int
    y: int
    width: int
    height: int
    text: str
    size_px: int


def stacked(lines: Sequence[str], x: int, y: int, size_px: int) -> list[Text]:
    """Place lines one below the other."""
    placed: list[Text] = []
    for line in lines:
        placed.append(line_of(x, y, line, size_px))
        y += placed[-1].height + size_px // 4
    return placed


def line_of(x: int, y: int, text: str, size_px: int) -> Text:
    """Place a line with its upper left corner."""
    return Text(x, y, width_of(text, size_px), _line_px(size_px), text, size_px)


def wrapped(text: str, width: int, size_px: int) -> list[str]:
    """Break a text into lines that fit; a word that is too long is broken too."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size_px) <= width:
            lines[-1] = longer
            continue
        lines.append(word)
        while width_of(lines[-1], size_px) > width:
            fitting = _fitting(lines[-1], width, size_px)
            lines[-1:] = [lines[-1][:fitting], lines[-1][fitting:]]
    return [line for line in lines if line]


def _fitting(word: str, width: int, size_px: int) -> int:
    """Return how many letters of a word fit, at least one."""
    count = len(word)
    while count > 1 and width_of(word[:count], size_px) > width:
        count -= 1
    return count


@lru_cache(maxsize=1)
def _font_file() -> Path | None:
    """Return a font with all letters of Europe; it comes with napari's drawing."""
    found = find_spec("vispy")
    folders = (found and found.submodule_search_locations) or ()
    for folder in folders:
        path = Path(folder, "util", "fonts", "data", "OpenSans-Regular.ttf")
        if path.is_file():
            return path
    return None


@lru_cache(maxsize=8)
def font(size_px: int) -> Any:
    """Return the font of a size."""
    path = _font_file()
    if path is None:
        return ImageFont.load_default(size_px)
    return ImageFont.truetype(str(path), size_px)


def spelt(text: str) -> str:
    """Return a text in letters that the font has: Pillow's own has but ASCII."""
    if _font_file() is not None:
        return text
    text = text.replace("µ", "u").replace("×", "x").replace("–", "-")
    return text.encode("ascii", "replace").decode()


def width_of(text: str, size_px: int) -> int:
    """Return the width of a line in pixels."""
    length: float = font(size_px).getlength(spelt(text))
    return math.ceil(length)


def _line_px(size_px: int) -> int:
    ascent, descent = font(size_px).getmetrics()
    return int(ascent + descent)
