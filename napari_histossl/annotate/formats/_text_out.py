"""Shapes, or the regions of a mask, to a text file that is whole or not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from napari_histossl.annotate.formats._region_walk import ReadableMask
from napari_histossl.annotate.formats._tracing import Tracer
from napari_histossl.annotate.formats.shapes import Shape, Shapes
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.store.whole import written_whole


@dataclass(frozen=True, slots=True)
class Traced:
    """What of a mask is traced: see `Tracer`."""

    box: Box | None
    level: int
    downsample: float | None


def write_text(
    source: ReadableMask | Shapes,
    path: str | Path,
    write: Callable[[TextIO, Iterable[Shape]], None],
    traced: Traced,
) -> Iterator[Progress]:
    """Write shapes, or the regions of a mask, by a format's own function.

    Parameters
    ----------
    source : MaskStore or Shapes
        What to write.
    path : str or Path
        File to write; replaced at the end, never half written.
    write : callable
        Writes shapes to an open file.
    traced : Traced
        Part of a mask.

    Yields
    ------
    Progress
        After each tile of a mask.

    Raises
    ------
    AnnotationError
        If the outlines have more corners than memory should hold, or there is no such
        level.
    StoreError
        If the file cannot be written.
    """
    shapes: Iterable[Shape] = ()
    with written_whole(Path(path)) as temporary:
        if isinstance(source, Shapes):
            shapes = source.shapes
        else:
            tracer = Tracer(source, traced.box, traced.level, traced.downsample)
            yield from tracer.run()
            shapes = tracer.shapes()
        with temporary.open("w", encoding="utf-8") as file:
            write(file, shapes)
