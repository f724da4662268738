"""Readers who are drawn by chance, to try a study out before anybody reads it.

References
----------
C. A. Roe, C. E. Metz, "Dorfman-Berbaum-Metz method for statistical analysis of
multireader, multimodality receiver operating characteristic data: validation with
computer simulation", Academic Radiology 4(4), 1997,
doi:10.1016/S1076-6332(97)80032-3: what a reader sees is the sum of the class, the
reader, the case and noise. We added a scale of six with fixed cuts.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_histossl.study.database import open_database, read_facts
from napari_histossl.study.design import check_commitment
from napari_histossl.study.locking import LockedStudy, open_truth
from napari_histossl.study.merging import merge_pack
from napari_histossl.study.overview import Study
from napari_histossl.study.packing import create_pack, pack_name, read_packs
from napari_histossl.study.sequence import draw_sequence
from napari_histossl.study.session import Session
from napari_histossl.study.truth import Truth, read_truth

SIMULATED = "simulated reader"
"""Stands in the record in place of a display."""

_CUTS = (-1.2, -0.5, 0.0, 0.5, 1.2)
"""Between the six answers, in standard deviations."""


@dataclass(frozen=True, slots=True)
class SimulatedReader:
    """How a simulated reader sees.

    Attributes
    ----------
    d_prime : float
        Distance of the classes; 0 cannot tell them apart.
    bias : float
        Above 0 leans to answering synthetic.
    case_spread : float
        Standard deviation of what is alike for all readers of a picture.
    seed : int
        Decides all answers.
    """

    d_prime: float = 0.5
    bias: float = 0.0
    case_spread: float = 0.5
    seed: int = 0


def simulate_session(
    session: Session,
    reader: SimulatedReader,
    look_up: Callable[[str], tuple[str, bool]],
    most: int | None = None,
) -> int:
    """Answer what is left of a session; return how many answers were given.

    Parameters
    ----------
    session : Session
        Open.
    reader : SimulatedReader
        How it sees.
    look_up : callable
        Returns the picture's id and class for the name in the session.
    most : int, optional
        Answers to give at most.
    """
    rng = np.random.default_rng([reader.seed, session.answered])
    given = 0
    while (case := session.next()) is not None and given != most:
        case_id, synthetic = look_up(case.case_id)
        seen = (
            (reader.d_prime if synthetic else -reader.d_prime) / 2
            + reader.bias
            + reader.case_spread * _of_case(case_id)
            + rng.normal()
        )
        ordinal = int(np.searchsorted(_CUTS, seen)) + 1
        rt_ms = int(rng.lognormal(np.log(6000), 0.5))
        said_synthetic = ordinal > 3
        confidence = ordinal - 3 if said_synthetic else 4 - ordinal
        session.answer(case.case_id, said_synthetic, confidence, rt_ms)
        given += 1
    return given


def simulate_file(
    study_path: Path, truth_path: Path, d_prime: float, seed: int
) -> dict[str, int]:
    """Let every reader of a study file answer what is left; return how many each.

    Raises
    ------
    StudyError
        If the files do not belong together or cannot be written.
    """
    truth = read_truth(truth_path)
    with closing(open_database(study_path)) as connection:
        check_commitment(connection, study_path, truth)
    given = {}
    for number, progress in enumerate(Study.open(study_path).readers):
        reader = SimulatedReader(d_prime, seed=seed * 1000 + number)
        with Session.open(study_path, progress.reader, display=SIMULATED) as session:
            given[progress.reader] = simulate_session(
                session, reader, lambda name: (name, truth.cases[name].synthetic)
            )
    return given


def simulate_folder(
    study: LockedStudy, key_path: Path, d_prime: float, seed: int
) -> dict[str, int]:
    """Hand packs to simulated readers and take them back; return answers of each.

    Readers who have a pack already are left alone.

    Raises
    ------
    StudyError
        If the key does not fit or the folder cannot be written.
    """
    truth = open_truth(study, key_path)
    taken = {(row["reader"], row["condition"]) for row in read_packs(study).values()}
    given = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(study.protocol.readers):
            for condition in study.protocol.conditions or ("",):
                if (name, condition) in taken:
                    continue
                path = Path(folder) / pack_name(study, name, condition)
                reader = SimulatedReader(d_prime, seed=seed * 1000 + number)
                code = create_pack(study, key_path, name, path, condition)
                who = f"{name}, {condition}" if condition else name
                given[who] = _read_pack(study, truth, path, code, name, reader)
    return given


def _read_pack(
    study: LockedStudy,
    truth: Truth,
    path: Path,
    code: str,
    name: str,
    reader: SimulatedReader,
) -> int:
    with closing(open_database(path)) as connection:
        facts = read_facts(connection)
    sequence = draw_sequence(
        truth, study.protocol, name, facts["condition"], facts["pack_id"]
    )
    known = {
        showing.name: (showing.case_id, truth.cases[showing.case_id].synthetic)
        for showing in sequence
    }
    with Session.open(path, name, display=SIMULATED, code=code) as session:
        count = simulate_session(session, reader, known.__getitem__)
    merge_pack(study, truth, path)
    return count


def _of_case(case_id: str) -> float:
    """Return a normal number that only the picture decides."""
    digest = hashlib.sha256(case_id.encode()).digest()
    return float(np.random.default_rng(list(digest)).normal())
