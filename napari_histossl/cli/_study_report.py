"""``napari-histossl study``: how large a study must be, and what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_histossl.cli._study import study_app
from napari_histossl.cli._study_design import KeyOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_histossl.study.power import PowerCurve
    from napari_histossl.study.readings import Reading


def register(app: typer.Typer) -> None:
    """Add nothing: the commands of this file hang on the group of studies."""
    del app


@study_app.command()
def power(
    readers: Annotated[
        str, typer.Option(help="Numbers of readers, separated by commas.")
    ] = "2,3,4,5,6,8,10,12,15",
    cases: Annotated[
        str, typer.Option(help="Numbers of pictures in all, separated by commas.")
    ] = "50,100,200,300,400",
    figure: Annotated[
        str, typer.Option(help="Figure of merit: auc, accuracy or balanced_accuracy.")
    ] = "auc",
    margin: Annotated[float, typer.Option(help="Of equivalence, about chance.")] = 0.1,
    difference: Annotated[
        float | None,
        typer.Option(help="Show that a true figure of this size is not chance."),
    ] = None,
    reader_sd: Annotated[
        float, typer.Option(help="How much readers differ, in units of their noise.")
    ] = 0.2,
    case_sd: Annotated[
        float, typer.Option(help="How much pictures differ, in the same units.")
    ] = 0.5,
    per_slide: Annotated[int, typer.Option(help="Pictures from one slide.")] = 1,
    studies: Annotated[int, typer.Option(help="Simulated studies a point.")] = 1000,
    seed: Annotated[int, typer.Option(help="Where chance starts.")] = 0,
    svg: Annotated[
        Path | None, typer.Option(help="Draw the curve into this file.")
    ] = None,
) -> None:
    """Say before a study how many readers and pictures it takes, by simulation."""
    from napari_histossl.study import PowerPlan, ReaderModel, power_curve
    from napari_histossl.study.statistics import check_figure

    plan = PowerPlan(
        _numbers(readers),
        _numbers(cases),
        check_figure(figure),
        "equivalence" if difference is None else "difference",
        0.5 if difference is None else difference,
        margin,
        ReaderModel(reader_sd, case_sd),
        per_slide,
        studies,
        seed,
    )
    curve = power_curve(plan)
    _print_power(curve)
    if svg is not None:
        _draw_power(curve, svg)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError as error:
        raise typer.BadParameter(
            f"whole numbers are separated by commas; got {text!r}"
        ) from error


def _print_power(curve: PowerCurve) -> None:
    from rich.console import Console
    from rich.table import Table

    from napari_histossl.study import describe_power

    table = Table("readers", *(f"{cases} pictures" for cases in curve.plan.cases))
    for readers, row in zip(curve.plan.readers, curve.power, strict=True):
        table.add_row(str(readers), *(f"{power:.0%}" for power in row))
    Console().print(table)
    for sentence in describe_power(curve):
        print(sentence)


def _draw_power(curve: PowerCurve, path: Path) -> None:
    from napari_histossl.errors import StudyError
    from napari_histossl.study import draw_power

    try:
        path.write_text(draw_power(curve), encoding="utf-8")
    except OSError as error:
        raise StudyError(
            f"{path} could not be written ({error.strerror}); choose a folder that you "
            f"may write in"
        ) from error
    print(f"curve: {path}")


@study_app.command()
def report(
    study: Annotated[
        Path, typer.Argument(help="A study file, or the folder of a locked study.")
    ],
    out: Annotated[
        Path, typer.Argument(help="The HTML file; a JSON file is written beside it.")
    ],
    truth: Annotated[
        Path | None, typer.Option(help="The truth file of a study file.")
    ] = None,
    key: KeyOption = None,
    imrmc: Annotated[
        Path | None, typer.Option(help="Write the primary ratings for iMRMC too.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write every answer beside the truth too.")
    ] = None,
) -> None:
    """Write the report of a study: tests, curves, agreement, leak check, audit."""
    from napari_histossl.study import open_folder, read_lock, read_readings
    from napari_histossl.study.reporting import (
        read_file_readings,
        report_file,
        report_locked,
    )

    wanted = imrmc is not None or csv is not None
    if study.is_dir():
        locked = read_lock(open_folder(study))
        key = key or locked.folder.key
        html, data = report_locked(locked, key, out)
        readings = read_readings(locked, key) if wanted else ()
    elif truth is None:
        raise typer.BadParameter("a study file is reported with its truth (--truth)")
    else:
        html, data = report_file(study, truth, out)
        readings = read_file_readings(study, truth) if wanted else ()
    print(f"report: {html}, numbers: {data}")
    _export(readings, imrmc, csv)


def _export(readings: Sequence[Reading], imrmc: Path | None, csv: Path | None) -> None:
    from napari_histossl.study.imrmc import write_imrmc
    from napari_histossl.study.raw import write_readings
    from napari_histossl.study.readings import select_readings

    if imrmc is not None:
        write_imrmc(select_readings(readings).primary, imrmc)
        print(f"for iMRMC: {imrmc}")
    if csv is not None:
        write_readings(readings, csv)
        print(f"all answers: {csv}")
