"""``napari-histossl study``: design, check, lock, hand out, take back, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_histossl.cli._common import MppOption, show_progress
from napari_histossl.cli._study import study_app

if TYPE_CHECKING:
    from napari_histossl.study import LeakReport
    from napari_histossl.study.sources import Arm

FolderArgument = Annotated[Path, typer.Argument(help="The folder of a designed study.")]
KeyOption = Annotated[
    Path | None, typer.Option(help="The study's key; else FOLDER.key beside it.")
]


def register(app: typer.Typer) -> None:
    """Add nothing: the commands of this file hang on the group of studies."""
    del app


@study_app.command()
def design(
    folder: Annotated[Path, typer.Argument(help="The folder to be made; yours alone.")],
    real: Annotated[
        list[str],
        typer.Option(help="NAME=SOURCE: a folder, a CSV of patches, or a slide."),
    ],
    synthetic: Annotated[list[str], typer.Option(help="The same for each generator.")],
    reader: Annotated[
        list[str], typer.Option(help="Pseudonym of a reader; give it once for each.")
    ],
    catch_real: Annotated[
        list[str] | None, typer.Option(help="Real pictures that are plain to see.")
    ] = None,
    catch_synthetic: Annotated[
        list[str] | None, typer.Option(help="Synthetic ones that are plain to see.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(help="Test pictures of each class; else all.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Edge of the pictures in pixels.")
    ] = None,
    mpp: MppOption = None,
    cluster: Annotated[
        str,
        typer.Option(help="Regular expression whose group is the slide or patient."),
    ] = "",
    title: Annotated[str, typer.Option(help="Shown to readers.")] = "Reader study",
    figure: Annotated[str, typer.Option(help="Figure of merit.")] = "auc",
    margin: Annotated[float, typer.Option(help="Of equivalence, about chance.")] = 0.1,
    training: Annotated[int, typer.Option(help="Training pictures a class.")] = 5,
    repeats: Annotated[float, typer.Option(help="Share that is shown twice.")] = 0.1,
    protocol: Annotated[
        Path | None,
        typer.Option(help="JSON with hypotheses, layout, exclusions and all the rest."),
    ] = None,
) -> None:
    """Design a study from folders, lists of patches or slides."""
    from napari_histossl.study import DesignPlan, Protocol, draft_study
    from napari_histossl.study.sealing import read_json

    asked: dict[str, Any] = {
        "title": title,
        "readers": list(reader),
        "figure": figure,
        "margin": margin,
        "training_per_class": training,
        "repeat_share": repeats,
    }
    if protocol is not None:
        asked = {**asked, **read_json(protocol, "a protocol")}
    arms = (
        *_arms(real, False, count, cluster),
        *_arms(synthetic, True, count, ""),
        *_arms(catch_real or [], False, None, "", "catch"),
        *_arms(catch_synthetic or [], True, None, "", "catch"),
    )
    plan = DesignPlan(folder, Protocol.from_json(asked), arms, size, mpp)
    show_progress(draft_study(plan), "taking pictures in")
    print(f"designed in {folder}; next: napari-histossl study check {folder}")


def _arms(
    sources: list[str],
    synthetic: bool,
    count: int | None,
    cluster: str,
    role: str = "test",
) -> list[Arm]:
    """Return one arm a source; a number for the class is shared out among them."""
    from napari_histossl.study.sources import Arm

    arms = []
    for place, text in enumerate(sources):
        name, found, source = text.partition("=")
        share = None
        if count is not None:
            share = count // len(sources) + (place < count % len(sources))
        arms.append(
            Arm(
                name=name if found else Path(text).name,
                synthetic=synthetic,
                source=source if found else text,
                count=share,
                cluster_pattern=cluster,
                role=role,
            )
        )
    return arms


@study_app.command()
def check(folder: FolderArgument) -> None:
    """Try to tell the classes apart by trivial means: the leak check."""
    from napari_histossl.study import check_study, open_folder
    from napari_histossl.study.checking import last_leaks

    opened = open_folder(folder)
    show_progress(check_study(opened), "looking for leaks")
    _print_leaks(last_leaks(opened))


def _print_leaks(report: LeakReport) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("looked at", "AUC", "interval", "")
    for found in report.separations:
        interval = f"{found.low:.2f} to {found.high:.2f}"
        table.add_row(
            found.name, f"{found.auc:.2f}", interval, "LEAK" if found.is_leak else ""
        )
    Console().print(table)
    if report.alike:
        print(f"{len(report.alike)} pairs of pictures are nearly the same")
    print(report.sentence)


@study_app.command()
def lock(
    folder: FolderArgument,
    key: KeyOption = None,
    override: Annotated[
        str, typer.Option(help="Why a study that leaks is locked all the same.")
    ] = "",
) -> None:
    """Lock a checked study: its hash stands, truth and seed are sealed."""
    from napari_histossl.study import lock_study, open_folder

    locked = lock_study(open_folder(folder), key, override)
    print(f"locked as SHA-256 {locked.sha256}")
    print(f"the key is {key or locked.folder.key}: keep it apart from the folder")
    if locked.override:
        print(f"locked in spite of leaks: {locked.override}")


@study_app.command()
def pack(
    folder: FolderArgument,
    reader: Annotated[str, typer.Option(help="Pseudonym of the reader.")],
    out: Annotated[Path, typer.Option(help="Folder into which the pack goes.")],
    key: KeyOption = None,
    condition: Annotated[str, typer.Option(help="One of two conditions.")] = "",
    again: Annotated[
        bool, typer.Option(help="Make a second pack; the first is lost.")
    ] = False,
) -> None:
    """Make the sealed file of one reader; print the code that opens it, once."""
    from napari_histossl.study import PackPlan, open_folder, pack_study, read_lock
    from napari_histossl.study.packing import pack_name
    from napari_histossl.study.sealing import new_code

    study = read_lock(open_folder(folder))
    path = out / pack_name(study, reader, condition)
    key = key or study.folder.key
    plan = PackPlan(study, key, reader, path, condition, new_code(), again)
    show_progress(pack_study(plan), "sealing pictures")
    print(f"for {reader}: {path}")
    print(f"it opens with the code {plan.code}, to be sent another way")


@study_app.command()
def merge(
    folder: FolderArgument,
    packs: Annotated[list[Path], typer.Argument(help="Packs that came back.")],
    key: KeyOption = None,
    aside: Annotated[
        bool, typer.Option(help="Keep a copy that contradicts another, uncounted.")
    ] = False,
) -> None:
    """Take answers back; what does not fit is refused and stays as it is."""
    from napari_histossl.study import merge_pack, open_folder, open_truth, read_lock

    study = read_lock(open_folder(folder))
    truth = open_truth(study, key or study.folder.key)
    for path in packs:
        merged = merge_pack(study, truth, path, aside=aside)
        condition = f", {merged.condition}" if merged.condition else ""
        print(f"{merged.reader}{condition}: {merged.answers} answers, {merged.outcome}")


@study_app.command()
def verify(
    study: Annotated[
        Path, typer.Argument(help="A study file, a pack, or a study's folder.")
    ],
    key: KeyOption = None,
) -> None:
    """Prove that records are whole, or say where they are not; exit code 1 then."""
    from napari_histossl.study import open_folder, verify_file, verify_folder

    if study.is_dir():
        problems = verify_folder(open_folder(study), key)
    else:
        checked = verify_file(study)
        problems = list(checked.problems)
        print(f"{checked.entries} entries, {checked.answers} answers")
        for note in checked.notes:
            print(f"note: {note}")
        for session_id, head in checked.heads.items():
            print(f"session {session_id[:8]} ends in {head}")
    for problem in problems:
        print(f"problem: {problem}")
    if problems:
        raise typer.Exit(1)
    print("whole")


@study_app.command()
def simulate(
    study: Annotated[
        Path, typer.Argument(help="A study file, or the folder of a locked study.")
    ],
    truth: Annotated[
        Path | None, typer.Option(help="The truth file of a study file.")
    ] = None,
    key: KeyOption = None,
    d_prime: Annotated[
        float, typer.Option(help="How well readers see; 0 is guessing.")
    ] = 0.5,
    seed: Annotated[int, typer.Option(help="Decides all answers.")] = 0,
) -> None:
    """Let simulated readers read what nobody has read yet."""
    from napari_histossl.study import open_folder, read_lock
    from napari_histossl.study.simulation import simulate_file, simulate_folder

    if study.is_dir():
        locked = read_lock(open_folder(study))
        given = simulate_folder(locked, key or locked.folder.key, d_prime, seed)
    elif truth is None:
        raise typer.BadParameter("a study file is simulated with its truth (--truth)")
    else:
        given = simulate_file(study, truth, d_prime, seed)
    for reader, count in given.items():
        print(f"{reader}: {count} simulated answers")
    if not any(given.values()):
        print("nobody was simulated: every reader has a pack, or has read already")


@study_app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="The folder to be made.")],
    seed: Annotated[int, typer.Option(help="Decides what is drawn by chance.")] = 1,
) -> None:
    """Make a study of drawn tissue with simulated readers, to try everything out."""
    from napari_histossl.study.sample_study import VISITOR, write_sample_study

    show_progress(write_sample_study(folder, seed), "drawing a sample study")
    print(f"sample study in {folder}: its pictures are drawn, its readers simulated")
    code = folder.with_name(f"{folder.name}-{VISITOR}.code").read_text(encoding="utf-8")
    print(f"the pack of {VISITOR!r} beside it waits to be read; its code: {code}")
