"""One command over many slides: goes on after a bad one, and ends with a summary."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from napari_histossl.cli._common import show_progress
from napari_histossl.errors import HistoSSLError, PlanError

if TYPE_CHECKING:
    from napari_histossl.overlays import RunPlan
    from napari_histossl.panels import AttentionChoice, SlideFacts
    from napari_histossl.panels.slide_list import ListedSlide
    from napari_histossl.slide import SlideSource

Plan = TypeVar("Plan")

SlidesOption = Annotated[
    Path | None,
    typer.Option(
        help="CSV table with a column 'slide', and 'mpp' where slides do not say; in "
        "place of SLIDE."
    ),
]
OptionalSlide = Annotated[
    Path | None, typer.Argument(help="A slide or a picture.", show_default=False)
]


def each_slide(
    slide: Path | None,
    slides: Path | None,
    mpp: float | None,
    work: Callable[[ListedSlide], None],
) -> None:
    """Do something with a slide, or with every slide of a table.

    An expected error ends the work on its slide, not the batch; the exit code is 1 if
    there was one.
    """
    from napari_histossl.panels.slide_list import ListedSlide, read_slide_list

    if (slide is None) == (slides is None):
        raise PlanError("give a slide, or a table of slides with --slides")
    if slide is not None:
        work(ListedSlide(slide, mpp))
        return
    assert slides is not None
    listed = read_slide_list(slides)
    failed = []
    for number, entry in enumerate(listed, 1):
        print(f"slide {number} of {len(listed)}: {entry.path}")
        try:
            work(ListedSlide(entry.path, entry.mpp or mpp))
        except HistoSSLError as error:
            print(f"error: {error}", file=sys.stderr)
            failed.append((entry.path, str(error)))
    _summarise(len(listed), failed)


def plan_for(
    listed: ListedSlide,
    choice: AttentionChoice,
    resolve: Callable[[Any, SlideFacts], Plan],
) -> tuple[SlideSource, Plan]:
    """Return a slide, and what a choice comes to on its tissue; the map is not kept."""
    from napari_histossl.panels import gather
    from napari_histossl.panels.tissue import saved_or_found
    from napari_histossl.slide import open_slide
    from napari_histossl.store.paths import results_folder

    with open_slide(listed.path, listed.mpp) as opened:
        source = opened.source
        tissue = saved_or_found(opened, results_folder(source, choice.workspace))
        return source, resolve(choice, gather(choice, opened, tissue))


def measured(source: SlideSource, plan: RunPlan, choice: AttentionChoice) -> RunPlan:
    """Return a plan with time and batch by measurement; loads the models."""
    from napari_histossl.overlays.calibrate import calibrate
    from napari_histossl.overlays.cost import calibrated

    was_chosen = choice.batch is not None
    return calibrated(plan, calibrate(source, plan), keep_batch=was_chosen)


def carry_out(source: SlideSource, plan: RunPlan, title: str) -> None:
    """Do what a plan says, with a bar, and tell where the results lie."""
    from napari_histossl.overlays import run

    show_progress(run(source, plan), title)
    print(f"written   {plan.out}")


def _summarise(count: int, failed: list[tuple[Path, str]]) -> None:
    print(f"done      {count - len(failed)} of {count} slides")
    for path, why in failed:
        print(f"failed    {path}: {why}")
    if failed:
        raise typer.Exit(1)
