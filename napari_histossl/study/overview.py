"""What anybody may know about a study: title, pictures, readers, how far they are."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from napari_histossl.errors import StudyError
from napari_histossl.study.database import explained, open_database, read_facts


@dataclass(frozen=True, slots=True)
class ReaderProgress:
    """How far a reader is.

    Attributes
    ----------
    reader : str
        Pseudonym.
    answered, total : int
        Pictures answered, and in all.
    """

    reader: str
    answered: int
    total: int


@dataclass(frozen=True, slots=True)
class Study:
    """A study as its readers may know it.

    Attributes
    ----------
    path : Path
        The study file.
    study_id, title : str
        Random id, and what people call it.
    shape : tuple of int
        Height and width of every picture in pixels.
    mpp : float or None
        Micrometres per pixel as the owner stated, None where unstated.
    pictures : int
        Number of pictures.
    created_utc : str
        When it was made, ISO 8601.
    commitment : str
        SHA-256 of the truth file, fixed before the first answer.
    readers : tuple of ReaderProgress
        Sorted by name.
    """

    path: Path
    study_id: str
    title: str
    shape: tuple[int, int]
    mpp: float | None
    pictures: int
    created_utc: str
    commitment: str
    readers: tuple[ReaderProgress, ...]

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Read what is said about a study.

        Raises
        ------
        StudyError
            If the file is missing or is not a study.
        """
        path = Path(path)
        with closing(open_database(path)) as connection, explained(path, "read"):
            facts = read_facts(connection)
            rows = connection.execute(
                "SELECT reader, COUNT(*), (SELECT COUNT(*) FROM answers "
                "WHERE answers.reader = orders.reader) FROM orders "
                "GROUP BY reader ORDER BY reader"
            ).fetchall()
            (pictures,) = connection.execute("SELECT COUNT(*) FROM cases").fetchone()
        return cls(
            path,
            facts["study_id"],
            facts["title"],
            (int(facts["height_px"]), int(facts["width_px"])),
            float(facts["mpp"]) if facts["mpp"] else None,
            int(pictures),
            facts["created_utc"],
            facts["truth_sha256"],
            tuple(ReaderProgress(reader, done, total) for reader, total, done in rows),
        )

    def reader(self, name: str) -> ReaderProgress:
        """Return a reader by name.

        Raises
        ------
        StudyError
            If the study was not made for that reader.
        """
        for progress in self.readers:
            if progress.reader == name:
                return progress
        known = ", ".join(progress.reader for progress in self.readers)
        raise StudyError(
            f"the study {self.path} has no reader {name!r}; it was made for {known}; "
            f"the owner can add readers with the truth file"
        )
