"""The owner's file: which case is synthetic, from which file it came, and the seed.

The study file holds only a commitment to it, a SHA-256. The 32 random bytes of the seed
are part of what is hashed: without them the classes of forty pictures could be found
from the hash by trying.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study.record import canonical
from napari_histossl.study.sealing import write_private

_FORMAT = "histostudy-truth-2"


@dataclass(frozen=True, slots=True)
class CaseTruth:
    """What a case really is.

    Attributes
    ----------
    synthetic : bool
        True if made by a machine.
    file : str
        Name of the file that it came from.
    png_sha256 : str
        Hash of the stored picture.
    role : str
        What it is shown for: test, training or catch.
    arm : str
        Which source it came from: a generator, or where the real pictures are from.
    cluster : str
        Slide or patient; empty if each picture is its own.
    stratum : str
        Organ, site, stain; empty for none.
    """

    synthetic: bool
    file: str
    png_sha256: str
    role: str = "test"
    arm: str = ""
    cluster: str = ""
    stratum: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """The truth of one study.

    Attributes
    ----------
    study_id : str
        The study it belongs to.
    seed : bytes
        From which blocks and orders are drawn.
    cases : mapping of str to CaseTruth
        By case id.
    """

    study_id: str
    seed: bytes
    cases: Mapping[str, CaseTruth]

    @property
    def commitment(self) -> str:
        """SHA-256 of the canonical text, as hexadecimal digits."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def of_class(self, *, synthetic: bool, role: str = "test") -> list[str]:
        """Return the case ids of one class that are shown for one purpose, sorted."""
        return sorted(
            case
            for case, truth in self.cases.items()
            if truth.synthetic == synthetic and truth.role == role
        )

    def of_role(self, *roles: str) -> Truth:
        """Return the truth of the cases that are shown for some purposes."""
        kept = {case: row for case, row in self.cases.items() if row.role in roles}
        return Truth(self.study_id, self.seed, kept)

    def canonical(self) -> bytes:
        """Return the one text that the commitment is the hash of."""
        return canonical(self._as_json()).encode()

    def _as_json(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "study_id": self.study_id,
            "seed": self.seed.hex(),
            "cases": {case: asdict(truth) for case, truth in self.cases.items()},
        }

    def write(self, path: Path) -> None:
        """Write a new file that only its owner may read; durable on return."""
        text = json.dumps(self._as_json(), indent=1, sort_keys=True)
        write_private(path, text.encode())


def read_truth(path: Path) -> Truth:
    """Read the file that `Truth.write` wrote.

    Raises
    ------
    StudyError
        If the file is missing or is not a truth file.
    """
    try:
        return _from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise StudyError(
            f"the truth file {path} cannot be read ({error.strerror}); choose the "
            f".truth.json file that was written beside the study"
        ) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StudyError(
            f"{path} is not the truth file of a study; choose the .truth.json file "
            f"that was written beside the study"
        ) from error


def truth_of_text(text: bytes) -> Truth:
    """Return the truth that `Truth.canonical` wrote."""
    return _from_json(json.loads(text))


def _from_json(content: Any) -> Truth:
    if content["format"] != _FORMAT:
        raise ValueError(f"format {content['format']!r}; expected {_FORMAT!r}")
    return Truth(
        str(content["study_id"]),
        bytes.fromhex(content["seed"]),
        {str(case): CaseTruth(**row) for case, row in content["cases"].items()},
    )
