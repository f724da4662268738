"""Tables of classes: what a label means, how it looks, which key picks it.

Index 0 always means *unlabelled*: nobody, neither a model nor a person, has said
anything about the pixel. Negative classes (glass, normal tissue) are explicit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from napari_histossl.errors import ClassTableError

UNLABELLED = 0
"""Index of a pixel that nobody has labelled."""

MOST_CLASSES = 255
"""Largest index of a class: what is drawn and exported has a byte for it."""


class Origin(IntEnum):
    """Who said what a pixel of a mask is; the values of a mask's origin plane.

    Ordered by how much a person had to do with it, so that the largest value of a
    block of pixels is the one worth showing on a coarser level.
    """

    UNTOUCHED = 0
    MODEL = 1
    MODEL_ACCEPTED = 2
    HUMAN = 3


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """One class.

    Attributes
    ----------
    index : int
        Value in label arrays, 1 to 255; 0 is reserved for *unlabelled*.
    name : str
        Name that people read, unique in its table.
    colour : tuple of int
        Red, green and blue, each 0 to 255.
    key : str
        Key that picks the class on the Correct page, or an empty string. A letter that
        napari's Labels layer does not use (there digits choose modes).
    priority : int
        Display priority: where a coarse pixel holds several classes, the one with the
        highest priority is shown, so that a small metastasis does not vanish.
    """

    index: int
    name: str
    colour: tuple[int, int, int]
    key: str = ""
    priority: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.index <= MOST_CLASSES:
            raise ClassTableError(
                f"class {self.name!r} has index {self.index}; expected 1 to "
                f"{MOST_CLASSES} (0 means unlabelled)"
            )
        if not all(0 <= value <= 255 for value in self.colour):
            raise ClassTableError(
                f"class {self.name!r} has colour {self.colour}; expected three numbers "
                f"from 0 to 255"
            )


class ClassTable:
    """Classes by index and by name.

    Parameters
    ----------
    classes : iterable of ClassInfo
        In the order in which they are listed to people.

    Raises
    ------
    ClassTableError
        If two classes share an index, a name, or a key.
    """

    def __init__(self, classes: tuple[ClassInfo, ...] | list[ClassInfo]) -> None:
        self._classes = tuple(classes)
        for field in ("index", "name", "key"):
            values = [v for c in self._classes if (v := getattr(c, field)) != ""]
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise ClassTableError(f"two classes share the {field} {twice.pop()!r}")

    def __iter__(self) -> Iterator[ClassInfo]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClassTable) and self._classes == other._classes

    def __hash__(self) -> int:
        return hash(self._classes)

    def __repr__(self) -> str:
        return f"ClassTable({', '.join(c.name for c in self._classes)})"

    def __getitem__(self, index: int) -> ClassInfo:
        for info in self._classes:
            if info.index == index:
                return info
        raise ClassTableError(f"no class has index {index}; known: {self._known()}")

    def named(self, name: str) -> ClassInfo:
        """Return the class of a name, upper and lower case alike.

        Raises
        ------
        ClassTableError
            If no class has that name.
        """
        for info in self._classes:
            if info.name.casefold() == name.casefold():
                return info
        raise ClassTableError(f"no class is named {name!r}; known: {self._known()}")

    def _known(self) -> str:
        return ", ".join(f"{c.index} {c.name}" for c in self._classes)

    def indices_in(self, other: ClassTable) -> dict[int, int]:
        """Return which indices of this table are which of another, by their names.

        Examples
        --------
        >>> BCSS_CLASSES.indices_in(RADBOUD_CLASSES)
        {2: 1}
        """
        wanted = {info.name.casefold(): info.index for info in other}
        names = {info.index: info.name.casefold() for info in self}
        return {i: wanted[name] for i, name in names.items() if name in wanted}

    def to_json(self) -> list[dict[str, Any]]:
        """Return the table as plain lists and dictionaries."""
        return [
            {
                "index": c.index,
                "name": c.name,
                "colour": list(c.colour),
                "key": c.key,
                "priority": c.priority,
            }
            for c in self._classes
        ]

    @classmethod
    def from_json(cls, rows: list[Mapping[str, Any]]) -> ClassTable:
        """Rebuild a table from what `to_json` gave.

        Raises
        ------
        ClassTableError
            If a row lacks a field or holds something else than expected.
        """
        try:
            return cls(
                [
                    ClassInfo(
                        int(row["index"]),
                        str(row["name"]),
                        _rgb(row["colour"]),
                        str(row.get("key", "")),
                        int(row.get("priority", 0)),
                    )
                    for row in rows
                ]
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ClassTableError(
                f"a table of classes is a list of index, name, colour, key, priority; "
                f"got {str(rows)[:80]!r} ({error})"
            ) from error


def _rgb(values: Any) -> tuple[int, int, int]:
    red, green, blue = values
    return int(red), int(green), int(blue)


DEFAULT_CLASSES = ClassTable(
    [
        ClassInfo(1, "tumour", (205, 51, 51), "T", 50),
        ClassInfo(2, "stroma", (46, 139, 87), "S", 20),
        ClassInfo(3, "lymphocytes", (65, 105, 225), "I", 40),
        ClassInfo(4, "necrosis", (255, 165, 0), "D", 30),
        ClassInfo(5, "glass", (150, 150, 150), "G", 10),
    ]
)
"""Classes of drawn slides, and of a new mask unless another table is given."""

TISSUE_CLASSES = ClassTable(
    [
        ClassInfo(1, "tissue", (46, 139, 87), "T", 30),
        ClassInfo(2, "glass", (150, 150, 150), "G", 10),
        ClassInfo(3, "pen", (199, 21, 133), "Y", 20),
    ]
)
"""Classes of a tissue mask."""

LUAD_CLASSES = ClassTable(
    [
        ClassInfo(1, "tumour epithelium", (205, 51, 51), "T", 50),
        ClassInfo(2, "necrosis", (0, 255, 0), "D", 30),
        ClassInfo(3, "lymphocytes", (65, 105, 225), "I", 40),
        ClassInfo(4, "tumour-associated stroma", (255, 165, 0), "S", 20),
    ]
)
"""Classes of LUAD-HistoSeg in their order there, which counts from 0."""

BCSS_CLASSES = ClassTable(
    [
        ClassInfo(1, "tumour", (255, 0, 0), "T", 50),
        ClassInfo(2, "stroma", (0, 255, 0), "S", 20),
        ClassInfo(3, "lymphocytes", (0, 0, 255), "I", 40),
        ClassInfo(4, "necrosis", (153, 0, 255), "D", 30),
    ]
)
"""Classes of the patches of BCSS in their order there, which counts from 0."""

RADBOUD_CLASSES = ClassTable(
    [
        ClassInfo(1, "stroma", (128, 128, 128), "S", 10),
        ClassInfo(2, "benign epithelium", (0, 255, 0), "B", 20),
        ClassInfo(3, "Gleason 3", (255, 255, 178), "C", 30),
        ClassInfo(4, "Gleason 4", (255, 128, 0), "D", 40),
        ClassInfo(5, "Gleason 5", (255, 0, 0), "F", 50),
    ]
)
"""Values and colours of PANDA's masks from Radboud; 0 is background or unknown."""

KAROLINSKA_CLASSES = ClassTable(
    [
        ClassInfo(1, "benign tissue", (128, 128, 128), "B", 20),
        ClassInfo(2, "cancer", (255, 0, 0), "C", 50),
    ]
)
"""Values and colours of PANDA's masks from Karolinska; 0 is background or unknown."""
