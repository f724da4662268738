"""Days between two readings of the same pictures, kept by the program.

Who reads the same pictures again too soon remembers them. The pack of the second
condition says from when on it may be read, as far as that is known when it is made; a
pack of the first condition that lies beside it says the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.study.database import SUFFIX, explained, open_database, read_facts


def washout_facts(
    folder: Path, study_id: str, reader: str, condition: str, days: int
) -> dict[str, str]:
    """Return what the pack of a condition says about an earlier reading.

    Parameters
    ----------
    folder : Path
        Where packs that came back are kept; it need not exist.
    study_id, reader, condition : str
        Whose pack is made, and for which condition.
    days : int
        Days of washout.
    """
    last = _last_answer(folder, study_id, reader, condition)
    return {"washout_days": str(days), "read_before_utc": last}


def refuse_too_early(
    path: Path, facts: Mapping[str, str], reader: str, now: str
) -> None:
    """Raise `StudyError` while the washout of a reader lasts.

    Parameters
    ----------
    path : Path
        The pack; packs of other conditions are looked for beside it.
    facts : mapping of str to str
        Of the pack, of which nothing has been answered yet.
    reader : str
        Pseudonym.
    now : str
        The time of day, ISO 8601.
    """
    condition, days = facts.get("condition", ""), int(facts.get("washout_days", "0"))
    if not condition or not days:
        return
    beside = _last_answer(path.parent, facts["study_id"], reader, condition)
    last = max(facts.get("read_before_utc", ""), beside)
    if not last:
        return
    from_then = datetime.fromisoformat(last) + timedelta(days=days)
    if datetime.fromisoformat(now) < from_then:
        raise StudyError(
            f"it is too early to read these pictures again: {reader} read them under "
            f"the other condition until {_day(datetime.fromisoformat(last))}, and the "
            f"design asks for {days} days in between; come back on or after "
            f"{_day(from_then)}"
        )


def _day(moment: datetime) -> str:
    return f"{moment.astimezone():%d %B %Y}".lstrip("0")


def _last_answer(folder: Path, study_id: str, reader: str, condition: str) -> str:
    """Return when a reader last read under another condition; empty if never."""
    return max(
        (
            _answered_in(path, study_id, reader, condition)
            for path in folder.glob(f"*{SUFFIX}")
        ),
        default="",
    )


def _answered_in(path: Path, study_id: str, reader: str, condition: str) -> str:
    try:
        with closing(open_database(path)) as connection, explained(path, "read"):
            facts = read_facts(connection)
            is_other = facts.get("condition", "") not in ("", condition)
            if facts.get("study_id") != study_id or not is_other:
                return ""
            (last,) = connection.execute(
                "SELECT MAX(answered_utc) FROM answers WHERE reader = ?", (reader,)
            ).fetchone()
    except StudyError:  # another file in the same folder is not this reader's concern
        return ""
    return str(last or "")
