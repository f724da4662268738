"""The folder of a designed study: the owner's, never given to readers."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study.database import SUFFIX


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """Names of the files of a designed study.

    Attributes
    ----------
    path : Path
        The folder.
    """

    path: Path

    @property
    def design(self) -> Path:
        """Protocol and sources."""
        return self.path / "design.json"

    @property
    def pictures(self) -> Path:
        """All pictures under their ids, no class."""
        return self.path / f"pictures{SUFFIX}"

    @property
    def truth(self) -> Path:
        """The truth, until the study is locked."""
        return self.path / "truth.json"

    @property
    def leaks(self) -> Path:
        """What the leak check found."""
        return self.path / "leaks.json"

    @property
    def lock(self) -> Path:
        """The locked study: everything but truth and seed, and its hash."""
        return self.path / "study.json"

    @property
    def sealed(self) -> Path:
        """The sealed truth and seed."""
        return self.path / "truth.sealed"

    @property
    def training(self) -> Path:
        """The sealed truth of the training block."""
        return self.path / "training.sealed"

    @property
    def packs(self) -> Path:
        """Which packs were handed out."""
        return self.path / "packs.json"

    @property
    def returned(self) -> Path:
        """Packs that came back, as they were when they were merged."""
        return self.path / "returned"

    @property
    def merges(self) -> Path:
        """What was merged when, in a chain."""
        return self.path / "merges.sqlite"

    @property
    def key(self) -> Path:
        """Where the key is written if nothing else is said: beside the folder."""
        return self.path.with_name(f"{self.path.name}.key")

    @property
    def is_locked(self) -> bool:
        """Whether the study was locked."""
        return self.lock.exists()


def open_folder(path: str | Path) -> StudyFolder:
    """Return the folder of a study that was designed.

    Raises
    ------
    StudyError
        If there is none.
    """
    folder = StudyFolder(Path(path))
    if not folder.design.is_file():
        raise StudyError(
            f"{path} is not the folder of a designed study; make one with "
            f"`napari-histossl study design`"
        )
    return folder


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file whole or not at all; durable on return.

    Raises
    ------
    StudyError
        If it cannot be written.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("w", encoding="utf-8") as sink:
            json.dump(content, sink, indent=1, sort_keys=True)
            sink.flush()
            os.fsync(sink.fileno())
        part.replace(path)
    except OSError as error:
        raise StudyError(
            f"{path} could not be written ({error.strerror}); what was there before is "
            f"unchanged: free some space or choose a folder that you may write in"
        ) from error
    finally:
        part.unlink(missing_ok=True)
