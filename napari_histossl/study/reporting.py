"""From the files of a study to its report."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from napari_histossl.study._covariances import check_figure
from napari_histossl.study._overall import FIGURE_NAMES
from napari_histossl.study._report_context import Audit, ReportContext
from napari_histossl.study.analysis import AnalysisPlan, StudyAnalysis, analyse_study
from napari_histossl.study.database import explained, open_database
from napari_histossl.study.locking import LockedStudy, open_truth
from napari_histossl.study.merging import kept_pack
from napari_histossl.study.packing import read_packs
from napari_histossl.study.protocol import Protocol
from napari_histossl.study.readings import Reading
from napari_histossl.study.report import shown_pictures, write_report
from napari_histossl.study.results import StudyResults, read_results
from napari_histossl.study.returns import read_readings, verify_folder
from napari_histossl.study.simulation import SIMULATED
from napari_histossl.study.verify import verify_file

THUMBNAIL_PX = 192
"""Longest edge of a picture in a report, in pixels."""

_SIMULATED = (
    "Readers of this study were simulated: its answers say nothing about people, and "
    "nothing about the pictures."
)


def analyse_locked(study: LockedStudy, key_path: Path) -> StudyAnalysis:
    """Analyse what came back of a locked study, as its protocol says.

    Parameters
    ----------
    study : LockedStudy
        The study.
    key_path : Path
        Its key.

    Raises
    ------
    StudyError
        If the key does not fit, or something was changed.
    """
    truth = open_truth(study, key_path)
    pictures = tuple(sorted(truth.of_role("test").cases))
    plan = AnalysisPlan(
        check_figure(study.protocol.figure),
        study.protocol.margin,
        is_locked=True,
        pictures=pictures,
    )
    return analyse_study(read_readings(study, key_path), plan)


def report_locked(
    study: LockedStudy, key_path: Path, html_path: str | Path
) -> tuple[Path, Path]:
    """Write the report of a locked study.

    Parameters
    ----------
    study : LockedStudy
        The study.
    key_path : Path
        Its key.
    html_path : path
        The HTML file; a JSON file is written beside it.

    Returns
    -------
    html, json : Path
        The two files.

    Raises
    ------
    StudyError
        If the key does not fit, something was changed, or nothing can be written.
    """
    analysis = analyse_locked(study, key_path)
    name = "lock, sealed truth, pictures, packs that came back, and merges"
    context = ReportContext(
        title=study.protocol.title,
        study_id=study.study_id,
        notices=(_SIMULATED,) if _was_simulated(study) else (),
        design=_design_rows(study),
        planned_readers=study.protocol.readers,
        leaks=study.leaks,
        override=study.override,
        audit=(Audit(name, tuple(verify_folder(study.folder, key_path))),),
        thumbnails=read_thumbnails(study.folder.pictures, shown_pictures(analysis)),
    )
    return write_report(analysis, context, html_path)


def report_file(
    study_path: str | Path, truth_path: str | Path, html_path: str | Path
) -> tuple[Path, Path]:
    """Write the report of a study that is one file with its truth beside it.

    Parameters
    ----------
    study_path, truth_path : path
        The two files.
    html_path : path
        The HTML file; a JSON file is written beside it.

    Raises
    ------
    StudyError
        If the files do not belong together unchanged, or nothing can be written.
    """
    path = Path(study_path)
    results = read_results(path, truth_path)
    analysis = analyse_study(_readings_of(results))
    checked = verify_file(path)
    context = ReportContext(
        title=results.title,
        study_id=results.study_id,
        notices=(_SIMULATED,) if _displays(path) == {SIMULATED} else (),
        planned_readers=tuple(of.reader for of in results.readers),
        audit=(Audit(path.name, checked.problems, checked.notes),),
        thumbnails=read_thumbnails(path, shown_pictures(analysis)),
    )
    return write_report(analysis, context, html_path)


def read_file_readings(
    study_path: str | Path, truth_path: str | Path
) -> tuple[Reading, ...]:
    """Return the answers of a study file for analysis.

    Parameters
    ----------
    study_path, truth_path : path
        The two files.

    Raises
    ------
    StudyError
        If the files do not belong together unchanged.
    """
    return _readings_of(read_results(study_path, truth_path))


def _readings_of(results: StudyResults) -> tuple[Reading, ...]:
    return tuple(
        Reading(
            row.reader,
            row.case_id,
            row.synthetic,
            row.said_synthetic,
            row.confidence,
            row.position,
            row.rt_ms,
            file=row.file,
        )
        for row in results.answers
    )


def read_thumbnails(path: Path, case_ids: Iterable[str]) -> dict[str, bytes]:
    """Return small PNG pictures of a study file by case id.

    Parameters
    ----------
    path : Path
        The study file, not a pack.
    case_ids : iterable of str
        Which pictures.

    Raises
    ------
    StudyError
        If the file cannot be read.
    """
    from PIL import Image

    small: dict[str, bytes] = {}
    with closing(open_database(path)) as connection, explained(path, "read"):
        for case_id in case_ids:
            row = connection.execute(
                "SELECT png FROM cases WHERE case_id = ?", (case_id,)
            ).fetchone()
            if row is None:
                continue
            sink = io.BytesIO()
            with Image.open(io.BytesIO(row[0])) as picture:
                picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
                picture.save(sink, "PNG")
            small[case_id] = sink.getvalue()
    return small


def _design_rows(study: LockedStudy) -> tuple[tuple[str, str], ...]:
    protocol: Protocol = study.protocol
    conditions = f": {', '.join(protocol.conditions)}" if protocol.conditions else ""
    return (
        ("hypotheses", protocol.hypotheses),
        ("estimand", protocol.estimand),
        ("figure of merit", FIGURE_NAMES[protocol.figure]),
        ("margin", f"{protocol.margin:g} about chance"),
        ("layout", f"{protocol.layout}{conditions}"),
        ("analysis", protocol.analysis_plan),
        ("exclusions", "; ".join(protocol.exclusions)),
        ("readers", ", ".join(protocol.readers)),
        ("repeats", f"{protocol.repeat_share:.0%}, {protocol.repeat_gap} apart"),
        ("training", f"{protocol.training_per_class} of each class"),
        ("locked", f"{study.locked_utc}, SHA-256 {study.sha256}"),
    )


def _was_simulated(study: LockedStudy) -> bool:
    paths = (kept_pack(study, pack_id) for pack_id in read_packs(study))
    return any(SIMULATED in _displays(path) for path in paths if path.exists())


def _displays(path: Path) -> set[str]:
    with closing(open_database(path)) as connection, explained(path, "read"):
        return {of for (of,) in connection.execute("SELECT display FROM sessions")}
