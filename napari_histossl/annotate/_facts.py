"""What a journal remembers beside its entries: its header, and how far things are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from napari_histossl.annotate._database import Database
from napari_histossl.errors import AnnotationError, JournalError

_SET = "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class Facts:
    """Names and values in the journal.

    Attributes
    ----------
    header : dict
        Facts about the mask, fixed when it was created; the chain starts from them.
    header_sha256 : str
        What the first entry follows from.

    Raises
    ------
    JournalError
        If the header is missing or damaged.
    """

    def __init__(self, path: Path, database: Database) -> None:
        self._path = path
        self._database = database
        text = self._get("header") or ""
        self.header_sha256 = hashlib.sha256(text.encode()).hexdigest()
        self.header = self._parsed(text)

    @staticmethod
    def write_header(database: Database, header: dict[str, Any]) -> None:
        """Write the header of a new journal."""
        with database.transaction():
            database.run(_SET, "header", json.dumps(header, sort_keys=True))

    @property
    def synced_seq(self) -> int:
        """Last entry whose pixels are known to be on the disk in the mask itself."""
        text = self._get("synced_seq") or "0"
        if not text.isdecimal():
            raise JournalError(
                f"the journal {self._path} is damaged: synced_seq is {text!r}"
            )
        return int(text)

    def set_synced_seq(self, seq: int) -> None:
        """Record `synced_seq`, inside a transaction."""
        self._database.run(_SET, "synced_seq", str(seq))

    @property
    def seeding(self) -> dict[str, Any] | None:
        """Provenance of a proposal that is being copied into the mask, or None."""
        text = self._get("seeding")
        return json.loads(text) if text else None

    def begin_seeding(self, facts: dict[str, Any]) -> None:
        """Record that a proposal is being copied; the base entry ends it.

        Raises
        ------
        AnnotationError
            If the copying of another proposal was begun.
        """
        begun = self.seeding
        if begun is not None and begun != facts:
            raise AnnotationError(
                f"copying another proposal was begun ({str(begun)[:80]}); go on with "
                f"that one, or delete the mask and make a new one"
            )
        with self._database.transaction():
            self._database.run(_SET, "seeding", json.dumps(facts, sort_keys=True))

    def end_seeding(self) -> None:
        """Forget `seeding`, inside a transaction."""
        self._database.run("DELETE FROM meta WHERE key = 'seeding'")

    def _get(self, key: str) -> str | None:
        rows = self._database.rows("SELECT value FROM meta WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            header = json.loads(text)
        except ValueError as error:
            raise JournalError(
                f"the journal {self._path} is damaged: its header cannot be read "
                f"({error}); restore the file from a copy"
            ) from error
        if not isinstance(header, dict):
            raise JournalError(f"the journal {self._path} is damaged: no header in it")
        return header
