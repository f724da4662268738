"""``napari-histossl study``: make, read and close blinded reader studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli._common import MppOption, SlideArgument, show_progress

if TYPE_CHECKING:
    from napari_histossl.study import StudyResults

study_app = typer.Typer(
    help="Real or synthetic? Make, read and close blinded reader studies.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

StudyArgument = Annotated[
    Path, typer.Argument(help="A study file (.histostudy.sqlite).")
]
TruthOption = Annotated[
    Path, typer.Option(help="The owner's file (.truth.json) of the study.")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    app.add_typer(study_app, name="study")


@study_app.command()
def crops(
    slide: SlideArgument,
    out: Annotated[Path, typer.Argument(help="New or empty folder.")],
    count: Annotated[int, typer.Option(help="Number of crops.")] = 40,
    size: Annotated[int, typer.Option(help="Edge of a crop in pixels.")] = 224,
    mpp: Annotated[
        float | None,
        typer.Option(help="Micrometres per pixel of the crops; else the slide's own."),
    ] = None,
    slide_mpp: MppOption = None,
    seed: Annotated[int, typer.Option(help="Decides which crops are taken.")] = 0,
    workspace: Annotated[
        Path | None,
        typer.Option(help="Folder of results, where tissue may be saved."),
    ] = None,
) -> None:
    """Cut crops of tissue from a slide as PNG pictures."""
    from napari_histossl.panels.tissue import saved_or_found
    from napari_histossl.slide import open_slide
    from napari_histossl.store.paths import results_folder
    from napari_histossl.study import iterate_crops

    with open_slide(slide, mpp=slide_mpp) as opened:
        tissue = saved_or_found(opened, results_folder(opened.source, workspace))
        work = iterate_crops(opened, out, count, size, mpp, seed, tissue)
        show_progress(work, "cutting crops")
    print(f"{count} crops of {size} x {size} px in {out}")


@study_app.command()
def create(
    study: Annotated[Path, typer.Argument(help="The study file to be made.")],
    real: Annotated[Path, typer.Option(help="Folder of real pictures.")],
    synthetic: Annotated[Path, typer.Option(help="Folder of synthetic pictures.")],
    reader: Annotated[
        list[str], typer.Option(help="Pseudonym of a reader; give it once for each.")
    ],
    title: Annotated[str, typer.Option(help="Shown to readers.")] = "Reader study",
    per_class: Annotated[
        int | None, typer.Option(help="Pictures of each class; else all there are.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Cut the centre square of this size, in pixels.")
    ] = None,
    mpp: MppOption = None,
) -> None:
    """Make a study from two folders of pictures: a file for readers, one for you."""
    from napari_histossl.study import StudyPlan, build_study, study_files
    from napari_histossl.study.selection import find_warnings

    plan = StudyPlan(study, real, synthetic, tuple(reader), title, per_class, size, mpp)
    show_progress(build_study(plan), "taking pictures in")
    files = study_files(study)
    print(f"for the readers: {files.study}")
    print(f"for you alone:   {files.truth} (without it the study cannot be closed)")
    for warning in find_warnings(plan):
        print(f"warning: {warning}")


@study_app.command()
def add_reader(
    study: StudyArgument,
    truth: TruthOption,
    reader: Annotated[str, typer.Option(help="Pseudonym of the new reader.")],
) -> None:
    """Draw an order for one more reader."""
    from napari_histossl import study as studies

    studies.add_reader(study, truth, reader)
    print(f"{reader} can read {study} now")


@study_app.command()
def read(
    study: StudyArgument,
    reader: Annotated[str, typer.Option(help="Who is reading.")],
    code: Annotated[str, typer.Option(help="What opens a sealed pack.")] = "",
) -> None:
    """Open the reading window; it goes on where the reader was."""
    from napari_histossl.study import Study

    Study.open(study).reader(reader)  # a wrong name is told before Qt is loaded
    from napari_histossl.widgets.study_reader import read_study

    read_study(study, reader, code)


@study_app.command()
def info(study: StudyArgument) -> None:
    """Say what readers may know: pictures, readers, how far they are."""
    from rich.console import Console
    from rich.table import Table

    from napari_histossl.study import Study

    about = Study.open(study)
    height, width = about.shape
    scale = "scale unknown" if about.mpp is None else f"{about.mpp:g} um per pixel"
    print(f"{about.title} ({about.study_id[:8]}), made {about.created_utc}")
    print(f"{about.pictures} pictures of {height} x {width} px, {scale}")
    print(f"truth sealed as SHA-256 {about.commitment}")
    table = Table("reader", "answered", "of")
    for progress in about.readers:
        table.add_row(progress.reader, str(progress.answered), str(progress.total))
    Console().print(table)


@study_app.command()
def results(
    study: StudyArgument,
    truth: TruthOption,
    csv: Annotated[
        Path | None, typer.Option(help="Write one line an answer to this file.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write figures and answers to this file.")
    ] = None,
) -> None:
    """Open the truth beside the answers: accuracy per reader, exact intervals."""
    from napari_histossl.study import read_results, write_csv, write_json

    found = read_results(study, truth)
    _print_results(found)
    if csv is not None:
        write_csv(found, csv)
    if json is not None:
        write_json(found, json)


def _print_results(found: StudyResults) -> None:
    from rich.console import Console
    from rich.table import Table

    from napari_histossl.study.results import NOT_POOLED
    from napari_histossl.study.table import TABLE_HEADINGS, table_row

    table = Table(*TABLE_HEADINGS, title=found.title)
    for result in found.readers:
        table.add_row(*table_row(result))
    console = Console()
    console.print(table)
    for result in found.readers:
        print(result.sentence)
    print(NOT_POOLED)
