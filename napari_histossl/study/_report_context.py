"""What a report shows beside the analysis: design, leak check, audit, pictures."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from napari_histossl.study._version import application_version
from napari_histossl.study.leaks import LeakReport

_LIBRARIES = ("numpy", "scipy")


@dataclass(frozen=True, slots=True)
class Audit:
    """The outcome of checking the record of a study.

    Attributes
    ----------
    name : str
        What was checked.
    problems : tuple of str
        Where it is not whole; none if it is.
    notes : tuple of str
        What is worth knowing and proves nothing wrong.
    """

    name: str
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What a report shows beside the analysis.

    Attributes
    ----------
    title, study_id : str
        Which study.
    notices : tuple of str
        Sentences at the top: that readers or arms are simulated, for instance.
    design : tuple of (str, str)
        What was fixed before, name and text.
    planned_readers : tuple of str
        Pseudonyms of those who were to read.
    leaks : LeakReport or None
        What the leak check found; None if there was none.
    override : str
        Why a study that leaks was made all the same.
    audit : tuple of Audit
        What the check of the record came to; empty if there was none.
    thumbnails : mapping of str to bytes
        Small PNG pictures by case id, of those that the report shows.
    versions : tuple of (str, str)
        Programs that made the report.
    made_utc : str
        When, ISO 8601.
    """

    title: str = "Reader study"
    study_id: str = ""
    notices: tuple[str, ...] = ()
    design: tuple[tuple[str, str], ...] = ()
    planned_readers: tuple[str, ...] = ()
    leaks: LeakReport | None = None
    override: str = ""
    audit: tuple[Audit, ...] = ()
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    versions: tuple[tuple[str, str], ...] = field(default_factory=lambda: versions())
    made_utc: str = field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds")
    )

    @property
    def cautions(self) -> tuple[str, ...]:
        """What must be known before any conclusion is read."""
        found = [*self.notices]
        if self.leaks is None:
            found.append(
                "No leak check was made: readers may have found out how a picture was "
                "made and not what is on it."
            )
        elif self.leaks.leaks:
            found.append(
                f"The leak check failed and was overridden, because: "
                f"{self.override or 'no reason was given'}. Readers may have used what "
                f"it found."
            )
        if not self.audit:
            found.append("The record of the answers was not verified.")
        elif any(audit.problems for audit in self.audit):
            found.append(
                "The record of the answers is not whole: see Audit before anything is "
                "concluded."
            )
        return tuple(found)


def versions() -> tuple[tuple[str, str], ...]:
    """Return the programs that compute and draw a report, with their versions."""
    return (
        ("program", application_version()),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in _LIBRARIES),
    )
