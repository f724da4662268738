"""Attention of many slides, one after the other; a bad one does not end it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import HistoSSLError
from napari_histossl.jobs import Orders, Progress, resumable
from napari_histossl.overlays.engine import run
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.attention import AttentionChoice, gather, resolve
from napari_histossl.panels.hierarchy import HierarchyChoice, resolve_hierarchy
from napari_histossl.panels.run_place import SlideFacts
from napari_histossl.panels.tissue import saved_or_found
from napari_histossl.panels.worklist import Worklist
from napari_histossl.slide import Slide, open_slide
from napari_histossl.store.paths import results_folder

_PARTS = 1000
"""Units of progress a slide: how many tiles the next ones have is not known yet."""


@dataclass(frozen=True, slots=True)
class NamedSlide:
    """A slide and what people may call it.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        Its name, or another one where names are masked.
    """

    path: Path
    name: str


def slides_of(worklist: Worklist) -> tuple[NamedSlide, ...]:
    """Return the slides of a worklist, also those that may not open."""
    return tuple(
        NamedSlide(entry.path, worklist.name(index))
        for index, entry in enumerate(worklist.entries)
    )


def resolve_any(choice: AttentionChoice, facts: SlideFacts) -> RunPlan:
    """Turn a choice of either kind into a run; see the two that do it."""
    if isinstance(choice, HierarchyChoice):
        return resolve_hierarchy(choice, facts)
    return resolve(choice, facts)


@resumable
def run_over_slides(
    slides: Sequence[NamedSlide],
    choice: AttentionChoice,
    *,
    orders: Orders | None = None,
) -> Iterator[Progress]:
    """Run the same thing on the tissue of every slide.

    Parameters
    ----------
    slides : sequence of NamedSlide
        In this order.
    choice : AttentionChoice
        What to run; its extent is the slide.
    orders : Orders, optional
        May say at any time to pause, to go on, to stop.

    Yields
    ------
    Progress
        A thousand units a slide, with what goes on in words. The last message says how
        many slides are done, and of each other one why it is not.

    Notes
    -----
    An expected error ends the work on its slide, not the list. Slides that are done
    already take no time but that of finding out.
    """
    orders = orders or Orders()
    failed: list[str] = []
    total = len(slides) * _PARTS
    for number, slide in enumerate(slides):
        if orders.is_stopped:
            return
        said = f"{slide.name}, slide {number + 1} of {len(slides)}"
        yield Progress(number * _PARTS, total, message=f"{said}: looking for tissue")
        try:
            for step in _run_one(slide.path, choice, orders):
                done = number * _PARTS + _share(step)
                yield Progress(done, total, message=_words(said, step))
        except HistoSSLError as error:
            failed.append(f"{slide.name}: {_without_name(str(error), slide)}")
    if not orders.is_stopped:
        yield Progress(total, total, message=_last_words(len(slides), failed))


def _run_one(path: Path, choice: AttentionChoice, orders: Orders) -> Iterator[Progress]:
    with closing(open_slide(path)) as slide:
        plan = _plan(slide, choice)
        source = slide.source
    yield from run(source, plan, orders=orders)


def _plan(slide: Slide, choice: AttentionChoice) -> RunPlan:
    folder = results_folder(slide.source, choice.workspace)
    tissue = saved_or_found(slide, folder)
    return resolve_any(choice, gather(choice, slide, tissue))


def _share(step: Progress) -> int:
    return round(_PARTS * step.done / step.total) if step.total else 0


def _words(said: str, step: Progress) -> str:
    tiles = f"{said}: {step.done:,} of {step.total:,} tiles"
    return f"{tiles}; {step.message}" if step.message else tiles


def _without_name(text: str, slide: NamedSlide) -> str:
    """Return a sentence without the path of a slide, and without a masked name."""
    for told in (str(slide.path), slide.path.name):
        text = text.replace(told, slide.name)
    return text


def _last_words(count: int, failed: Sequence[str]) -> str:
    done = f"{count - len(failed)} of {count} slides are done"
    return "; ".join([done, *failed])
