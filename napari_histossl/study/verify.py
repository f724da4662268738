"""Prove that a study file is whole, or find where it is not.

Every entry of a record is held against its hash and the one before it, every answer
against its entry, every picture against its hash, facts and pictures against the seal.
That shows each change by somebody who did not write all that follows anew; against
that, compare the heads of the sessions with heads that were kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study.answers import ANSWER_COLUMNS, ANSWERS_SQL
from napari_histossl.study.database import (
    create_database,
    explained,
    open_database,
    read_facts,
    seal_database,
)
from napari_histossl.study.record import Entry, canonical, first_link, read_entries
from napari_histossl.study.study_file import SEAL, order_hash, seal_of


@dataclass(frozen=True, slots=True)
class Verification:
    """What the check of a study file came to.

    Attributes
    ----------
    path : Path
        The file.
    problems : tuple of str
        Where it is not whole, in plain words; none if it is.
    notes : tuple of str
        What is worth knowing and proves nothing wrong: a clock that was set.
    heads : dict of str to str
        Hash of the last entry of each session, by session id.
    entries, answers : int
        How many there are.
    """

    path: Path
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    heads: dict[str, str]
    entries: int
    answers: int

    @property
    def is_whole(self) -> bool:
        """Whether no problem was found."""
        return not self.problems


def verify_file(path: str | Path) -> Verification:
    """Check a study file or a pack.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    StudyError
        If it is no study or so damaged that it cannot be read.
    """
    path = Path(path)
    try:
        return _verify(path)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        # Columns of another type than any program of ours writes.
        raise StudyError(
            f"{path} is so damaged that it cannot be verified ({error!r}); go back to "
            f"a copy"
        ) from error


def _verify(path: Path) -> Verification:
    with closing(open_database(path)) as connection, explained(path, "verified"):
        entries = read_entries(connection)
        problems = [
            *_check_database(connection),
            *_check_pictures(connection),
            *_check_orders(connection),
            *_check_chains(connection, entries),
            *_check_answers(connection, entries),
        ]
        (answers,) = connection.execute("SELECT COUNT(*) FROM answers").fetchone()
        heads = _heads(connection, entries)
    notes = tuple(_find_clock_notes(entries))
    return Verification(path, tuple(problems), notes, heads, len(entries), int(answers))


def _check_database(connection: sqlite3.Connection) -> Iterator[str]:
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        yield f"the database is damaged: {verdict}"
    rules = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    with closing(create_database(Path(":memory:"))) as fresh:
        seal_database(fresh)
        expected = set(fresh.execute(rules))
    found = set(connection.execute(rules))
    for _type, name, _text in sorted(expected ^ found):
        yield f"the rule or table {name} was changed, taken out or added"


def _check_pictures(connection: sqlite3.Connection) -> Iterator[str]:
    pictures = {}
    for case_id, content, sha256 in connection.execute("SELECT * FROM cases"):
        pictures[case_id] = sha256
        if hashlib.sha256(content).hexdigest() != sha256:
            yield f"picture {case_id} was changed"
    facts = read_facts(connection)
    if facts.get(SEAL) != seal_of(facts, pictures.items()):
        yield "the facts of the study, or the list of its pictures, were changed"


def _check_orders(connection: sqlite3.Connection) -> Iterator[str]:
    orders: dict[str, list[str]] = {}
    for reader, case_id in connection.execute(
        "SELECT reader, case_id FROM orders ORDER BY reader, position"
    ):
        orders.setdefault(reader, []).append(case_id)
    known = dict(connection.execute("SELECT reader, order_sha256 FROM readers"))
    for reader in sorted(known.keys() | orders.keys()):
        if known.get(reader) != order_hash(orders.get(reader, [])):
            yield f"the order of {reader} was changed"


def _check_chains(
    connection: sqlite3.Connection, entries: list[Entry]
) -> Iterator[str]:
    study_id = read_facts(connection).get("study_id", "")
    sessions = list(
        connection.execute(
            "SELECT session, session_id, reader, started_utc, application, display "
            "FROM sessions ORDER BY session"
        )
    )
    known = {row[0] for row in sessions}
    for session in sorted({entry.session for entry in entries} - known):
        yield f"session {session} has a record but was never opened"
    for session, session_id, reader, *told in sessions:
        mine = [entry for entry in entries if entry.session == session]
        yield from _check_chain(mine, session, first_link(study_id, session_id))
        names = ("started_utc", "application", "display")
        opened = canonical(dict(zip(names, told, strict=True)))
        if not mine or (mine[0].event, mine[0].payload) != ("opened", opened):
            yield f"session {session} does not begin with its opening"
        if any(entry.actor != reader for entry in mine):
            yield f"session {session} has entries that are not of {reader}"


def _check_chain(entries: list[Entry], session: int, previous: str) -> Iterator[str]:
    for place, entry in enumerate(entries, start=1):
        where = f"session {session}, entry {entry.sequence} ({entry.event})"
        if entry.sequence != place:
            yield f"{where}: an entry before it is missing"
            return
        if entry.hash != entry.computed_hash():
            yield f"{where}: it was changed"
        elif entry.previous != previous:
            yield f"{where}: it does not follow the entry before it"
        previous = entry.hash


def _check_answers(
    connection: sqlite3.Connection, entries: list[Entry]
) -> Iterator[str]:
    recorded = {
        (entry.session, entry.payload) for entry in entries if entry.event == "answer"
    }
    given = set()
    for session, *values in connection.execute(ANSWERS_SQL):
        answer = dict(zip(ANSWER_COLUMNS, values, strict=True))
        key = (session, canonical(answer))
        given.add(key)
        if key not in recorded:
            yield (
                f"the answer of {answer['reader']} to picture {answer['position']} is "
                f"not what was recorded"
            )
    for session, payload in sorted(recorded - given):
        position = _read_payload(payload).get("position", "of unknown place")
        yield f"session {session}: the recorded answer to picture {position} is missing"


def _heads(connection: sqlite3.Connection, entries: list[Entry]) -> dict[str, str]:
    ids = dict(connection.execute("SELECT session, session_id FROM sessions"))
    return {ids[entry.session]: entry.hash for entry in entries if entry.session in ids}


def _find_clock_notes(entries: list[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.event == "clock set":
            by_s = _read_payload(entry.payload).get("by_s")
            yield f"session {entry.session}: the clock was set by {by_s} s"
    for before, after in pairwise(entries):
        is_back = before.session == after.session and _time(after) < _time(before)
        if is_back and after.event != "clock set":
            yield (
                f"session {after.session}, entry {after.sequence}: the clock went back"
            )


def _read_payload(text: str) -> dict[str, Any]:
    """Return a payload; nothing of one that was damaged, which its hash shows."""
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _time(entry: Entry) -> float:
    try:
        return datetime.fromisoformat(entry.utc).timestamp()
    except ValueError:
        return 0.0
