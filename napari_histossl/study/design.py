"""Make a study from two folders: one file for readers, one for the owner.

Notes
-----
Protected: the study file holds pictures under random ids, in the order of these ids,
and for each reader a sequence of ids. It holds no class, no file name, no path, no
seed, and no metadata of the pictures; all pictures have the same number of bytes. The
truth lies in a second file that the owner keeps, readable by the owner's account alone.

Not protected: the orders tell which pictures form a balanced block
(`napari_histossl.study.order`). The pictures themselves are not encrypted, so a program
can look at them as a reader can, and readers of one study file can see the answers of
others with an SQLite tool. Whether colour, sharpness or traces of compression give the
classes away is not checked: that the two folders were made the same way is up to the
owner.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.jobs import Progress
from napari_histossl.store.sqlite import transaction
from napari_histossl.study.database import explained, open_database, read_facts
from napari_histossl.study.order import Block, draw_blocks, draw_order
from napari_histossl.study.plan import (
    StudyFiles,
    StudyPlan,
    check_readers,
    refuse_existing,
    study_files,
)
from napari_histossl.study.selection import (
    ChosenPicture,
    PictureTaker,
    choose_pictures,
    find_warnings,
    seed_bytes,
)
from napari_histossl.study.study_file import StudyFileWriter, insert_order
from napari_histossl.study.truth import CaseTruth, Truth, read_truth


def create_study(
    path: str | Path,
    real_folder: str | Path,
    synthetic_folder: str | Path,
    *,
    readers: Sequence[str] = ("reader-1",),
    per_class: int | None = None,
    seed: bytes | int | None = None,
    mpp: float | None = None,
    size_px: int | None = None,
    title: str = "Reader study",
) -> StudyFiles:
    """Make a study from two folders of pictures.

    Parameters
    ----------
    path : path
        The study file to be made; its suffix is added where missing.
    real_folder, synthetic_folder : path
        Folders of pictures of the two classes.
    readers : sequence of str
        Pseudonyms of those who will read.
    per_class : int, optional
        Pictures of each class; as many as the smaller folder has if None.
    seed : bytes or int, optional
        See `StudyPlan`; leave it out for a study that is read.
    mpp : float, optional
        Micrometres per pixel, kept with the study.
    size_px : int, optional
        Cut the centre square of this size; else all must have the same size.
    title : str
        Shown to readers.

    Returns
    -------
    StudyFiles
        The study file, the truth file, and warnings.

    Raises
    ------
    StudyError
        If the pictures do not make a study or a file exists already. Then nothing is
        written.
    """
    plan = StudyPlan(
        Path(path),
        Path(real_folder),
        Path(synthetic_folder),
        tuple(readers),
        title,
        per_class,
        size_px,
        mpp,
        seed,
    )
    for _progress in build_study(plan):
        pass
    files = study_files(path)
    return StudyFiles(files.study, files.truth, find_warnings(plan))


def build_study(plan: StudyPlan) -> Iterator[Progress]:
    """Make a study, one step a picture; closing it half-way leaves nothing behind.

    Parameters
    ----------
    plan : StudyPlan
        What to make.

    Yields
    ------
    Progress
        Pictures taken in.

    Raises
    ------
    StudyError
        As `create_study`.
    """
    files = study_files(plan.path)
    check_readers(plan.readers)
    refuse_existing(files)
    seed = seed_bytes(plan.seed)
    chosen = choose_pictures(plan, seed)
    study_part, truth_part = _part(files.study), _part(files.truth)
    try:
        with explained(files.study, "written"):
            yield from _write_parts(plan, seed, chosen, study_part, truth_part)
        _publish(truth_part, files.truth)
        try:
            _publish(study_part, files.study)
        except BaseException:
            files.truth.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StudyError(
            f"the study {files.study} could not be written ({error}); choose a folder "
            f"that exists, that you may write in and that has space"
        ) from error
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            Path(f"{study_part}{ending}").unlink(missing_ok=True)
        truth_part.unlink(missing_ok=True)


def add_reader(study_path: str | Path, truth_path: str | Path, reader: str) -> None:
    """Draw an order for one more reader; needs the truth file for its seed.

    Parameters
    ----------
    study_path, truth_path : path
        The two files of the study.
    reader : str
        Pseudonym of the new reader.

    Raises
    ------
    StudyError
        If the reader is there already or the truth file is another study's.
    """
    path = Path(study_path)
    truth = read_truth(Path(truth_path))
    with closing(open_database(path, write=True)) as connection:
        check_commitment(connection, path, truth)
        with explained(path, "changed"):
            known = connection.execute("SELECT DISTINCT reader FROM orders").fetchall()
            check_readers([*(name for (name,) in known), reader])
            with transaction(connection):
                insert_order(connection, reader, _order_of(truth, reader))


def check_commitment(connection: sqlite3.Connection, path: Path, truth: Truth) -> None:
    """Raise `StudyError` unless the study was sealed with exactly this truth."""
    with explained(path, "read"):
        facts = read_facts(connection)
    if facts.get("truth_sha256") != truth.commitment:
        whose = (
            "it has been changed since the study was made"
            if facts.get("study_id") == truth.study_id
            else "it belongs to another study"
        )
        raise StudyError(
            f"the truth file does not fit the study {path}: {whose}; choose the "
            f".truth.json file that was written beside this study"
        )


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def _publish(part: Path, path: Path) -> None:
    """Give a finished file its name, unless the name has been taken meanwhile."""
    try:
        os.link(part, path)
    except FileExistsError as error:
        raise StudyError(
            f"{path} exists already and is never overwritten; choose another name"
        ) from error
    except OSError:  # a file system without hard links
        part.rename(path)


def _write_parts(
    plan: StudyPlan,
    seed: bytes,
    chosen: dict[str, ChosenPicture],
    study_part: Path,
    truth_part: Path,
) -> Iterator[Progress]:
    taker = PictureTaker(plan.size_px)
    cases: dict[str, CaseTruth] = {}
    with StudyFileWriter(study_part) as writer:
        for done, case_id in enumerate(sorted(chosen), start=1):
            png = taker.take(chosen[case_id].path)
            writer.add_picture(case_id, png)
            cases[case_id] = CaseTruth(
                chosen[case_id].synthetic,
                chosen[case_id].path.name,
                hashlib.sha256(png).hexdigest(),
            )
            yield Progress(done, len(chosen))
        truth = Truth(secrets.token_hex(16), seed, cases)
        for reader in plan.readers:
            insert_order(writer.connection, reader, _order_of(truth, reader))
        writer.finish(
            {
                "study_id": truth.study_id,
                "title": plan.title,
                "height_px": str(taker.shape[0]),
                "width_px": str(taker.shape[1]),
                "mpp": "" if plan.mpp is None else repr(plan.mpp),
                "truth_sha256": truth.commitment,
            }
        )
    truth.write(truth_part)


def blocks_of(truth: Truth) -> list[Block]:
    """Return the blocks that a study's orders are drawn from."""
    return draw_blocks(
        truth.seed, truth.of_class(synthetic=False), truth.of_class(synthetic=True)
    )


def _order_of(truth: Truth, reader: str) -> list[str]:
    return draw_order(truth.seed, reader, blocks_of(truth))
