"""The pictures of one reader, in their order, opened where they are sealed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.study.database import explained
from napari_histossl.study.sealing import PictureSealer, Shown, key_of_code


@dataclass(frozen=True, slots=True)
class Case:
    """A picture to be judged.

    Attributes
    ----------
    case_id : str
        Opaque id.
    position, total : int
        Which picture it is, from 1, of how many.
    png : bytes
        The picture.
    is_training : bool
        Whether it belongs to the training block, where `Session.feedback` answers.
    """

    case_id: str
    position: int
    total: int
    png: bytes
    is_training: bool = False


class Showings:
    """Reads the pictures of one reader.

    Parameters
    ----------
    connection : sqlite3.Connection
        The study file.
    path : Path
        Where it lies.
    reader : str
        Pseudonym.
    facts : mapping of str to str
        Of the study.
    code : str
        Opens the pictures of a pack; empty for a study that is not sealed.

    Raises
    ------
    StudyError
        If the code does not open the pictures.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        reader: str,
        facts: Mapping[str, str],
        code: str,
    ) -> None:
        self._connection, self._path, self._reader = connection, path, reader
        self.training = int(facts.get("training", "0"))
        self._box = _open_box(facts, code, path)
        self._check_code()
        (self.total,) = connection.execute(
            "SELECT COUNT(*) FROM orders WHERE reader = ?", (reader,)
        ).fetchone()

    def _check_code(self) -> None:
        """Raise `StudyError` unless the first picture opens."""
        if self._box is None:
            return
        row = self._connection.execute(
            "SELECT case_id, png FROM cases LIMIT 1"
        ).fetchone()
        self._box.open(*row)

    def load(self, position: int) -> tuple[Case, bool | None] | None:
        """Return the case at a place, and its feedback; None beyond the last.

        Raises
        ------
        StudyError
            If the file cannot be read or the picture in it was changed.
        """
        with explained(self._path, "read"):
            row = self._connection.execute(
                "SELECT case_id, png, sha256 FROM orders JOIN cases USING (case_id) "
                "WHERE reader = ? AND position = ?",
                (self._reader, position),
            ).fetchone()
        if row is None:
            return None
        case_id, content, sha256 = row
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StudyError(
                f"picture {position} of {self._path} was changed after the study was "
                f"made; go back to a copy of the file that nobody has changed"
            )
        shown = Shown(content) if self._box is None else self._box.open(*row[:2])
        is_training = position <= self.training
        case = Case(case_id, position, self.total, shown.png, is_training)
        return case, shown.feedback


def _open_box(facts: Mapping[str, str], code: str, path: Path) -> PictureSealer | None:
    """Return what opens the pictures; None where they are not sealed."""
    pack_id = facts.get("pack_id", "")
    if not pack_id:
        return None
    if not code.strip():
        raise StudyError(
            f"the pictures of {path} are sealed; type the code that came with the pack"
        )
    return PictureSealer(key_of_code(code, pack_id), pack_id)
