"""Learning from corrections, from a shell: a head on tokens, and what it proposes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli._batch import plan_for
from napari_histossl.cli._common import (
    BatchOption,
    DeviceOption,
    MppOption,
    PlanOnlyOption,
    SlideArgument,
    WorkspaceOption,
    show_progress,
)

if TYPE_CHECKING:
    from napari_histossl.panels.learn_report import Report


def register(app: typer.Typer) -> None:
    """Add ``learn``."""
    app.command()(learn)


def learn(
    slide: SlideArgument,
    mask: Annotated[
        str, typer.Option(help="Name of the mask to learn from, as mask new gave it.")
    ],
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Weights of a vision transformer, or a name that was added; by "
            "default the sample weights."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model, for weights that do not say which.")
    ] = "",
    model_weight: Annotated[
        float,
        typer.Option(
            help="How much a pixel counts that the model labelled and nobody looked "
            "at, 0 to 1; a corrected or accepted one counts 1."
        ),
    ] = 0.1,
    strength: Annotated[
        float, typer.Option(help="How closely corrections are followed; above 0.")
    ] = 0.1,
    seed: Annotated[int, typer.Option(help="The same one gives the same head.")] = 0,
    name: Annotated[
        str, typer.Option(help="Name of the proposal; by default a new one each time.")
    ] = "",
    mpp: MppOption = None,
    workspace: WorkspaceOption = None,
    batch: BatchOption = None,
    device: DeviceOption = "auto",
    plan_only: PlanOnlyOption = False,
) -> None:
    """Learn from what has been corrected in a mask, and propose classes anew.

    Writes the probability of every class on the slide's tissue, from which a mask can
    be started or corrected, and tells how well places are told that were held out.
    """
    from napari_histossl.panels.learn import (
        LearnChoice,
        resolve_learning,
        summarise_learning,
    )
    from napari_histossl.panels.learn_job import learn as job
    from napari_histossl.panels.learn_report import read_report
    from napari_histossl.panels.slide_list import ListedSlide

    choice = LearnChoice(
        mask=mask,
        weights=weights,
        model=model,
        model_weight=model_weight,
        strength=strength,
        seed=seed,
        name=name,
        workspace=workspace,
        batch=batch,
        device=device,
    )
    source, plan = plan_for(ListedSlide(slide, mpp), choice, resolve_learning)
    print(summarise_learning(plan))
    if not plan_only:
        show_progress(job(source, plan), "learn")
        _tell(read_report(plan.head))
        print(f"written   {plan.out}")


def _tell(report: Report) -> None:
    """Print what was learned from, and how well held-out places are told."""
    for row in report.rows():
        print(row.text)
    print(f"measured  {report.measured}")
