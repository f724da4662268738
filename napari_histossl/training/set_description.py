"""What a set of patches says of itself, in a file of its own: ``data.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_histossl.classes import ClassTable
from napari_histossl.errors import ClassTableError, DataSetError
from napari_histossl.store.whole import written_whole

DESCRIPTION = "data.json"
"""Name of the file."""


@dataclass(frozen=True, slots=True)
class SetDescription:
    """What the values of masks and the columns of labels mean.

    Attributes
    ----------
    classes : ClassTable
        In the order of the values, which count from 0.
    mpp : float or None
        Micrometres per pixel.
    exclude_index : int
        Value of what is no class, once read.
    values : mapping of int to int
        What values of the files mean, where they are others: a class from 0, or
        `exclude_index`.
    """

    classes: ClassTable
    mpp: float | None
    exclude_index: int
    values: Mapping[int, int] = field(default_factory=dict)

    def write(self, root: Path, **facts: Any) -> None:
        """Write the file, with further facts for people to read.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        told: dict[str, Any] = {
            "classes": self.classes.to_json(),
            "mpp": self.mpp,
            "exclude_index": self.exclude_index,
        }
        if self.values:
            told["values"] = {str(v): meaning for v, meaning in self.values.items()}
        with written_whole(root / DESCRIPTION) as temporary:
            text = json.dumps({**told, **facts}, indent=1)
            temporary.write_text(text + "\n", encoding="utf-8")


def read_description(root: Path) -> SetDescription | None:
    """Return what a set says of itself, or None where it says nothing.

    Raises
    ------
    DataSetError
        If the file is there and does not say it.
    """
    path = root / DESCRIPTION
    if not path.is_file():
        return None
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        mpp, values = facts["mpp"], facts.get("values", {})
        return SetDescription(
            ClassTable.from_json(facts["classes"]),
            None if mpp is None else float(mpp),
            int(facts["exclude_index"]),
            {int(value): int(meaning) for value, meaning in values.items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataSetError(
            f"{path} does not say classes, mpp and exclude_index as JSON ({error})"
        ) from error
    except ClassTableError as error:
        raise DataSetError(f"{path}: {error}") from error
