"""Tables of classes: refuse contradictions, survive JSON."""

from __future__ import annotations

import json

import pytest

from napari_histossl.classes import (
    DEFAULT_CLASSES,
    TISSUE_CLASSES,
    UNLABELLED,
    ClassInfo,
    ClassTable,
)
from napari_histossl.errors import ClassTableError

RED = (255, 0, 0)


@pytest.mark.parametrize("table", [DEFAULT_CLASSES, TISSUE_CLASSES])
def test_table_survives_json(table: ClassTable) -> None:
    assert ClassTable.from_json(json.loads(json.dumps(table.to_json()))) == table


@pytest.mark.parametrize("table", [DEFAULT_CLASSES, TISSUE_CLASSES])
def test_zero_stays_unlabelled(table: ClassTable) -> None:
    assert UNLABELLED not in {info.index for info in table}


def test_lookup_by_index_and_name() -> None:
    assert DEFAULT_CLASSES[1].name == "tumour"
    assert DEFAULT_CLASSES.named("Tumour").index == 1
    assert len(DEFAULT_CLASSES) == len(list(DEFAULT_CLASSES))


def test_unknown_class_names_the_known_ones() -> None:
    with pytest.raises(ClassTableError, match="1 tumour, 2 stroma"):
        DEFAULT_CLASSES[77]
    with pytest.raises(ClassTableError, match=r"'fat'.*1 tumour"):
        DEFAULT_CLASSES.named("fat")


@pytest.mark.parametrize(
    ("second", "field"),
    [
        (ClassInfo(1, "b", RED, "2"), "index"),
        (ClassInfo(2, "a", RED, "2"), "name"),
        (ClassInfo(2, "b", RED, "1"), "key"),
    ],
)
def test_shared_field_is_refused(second: ClassInfo, field: str) -> None:
    with pytest.raises(ClassTableError, match=f"share the {field}"):
        ClassTable([ClassInfo(1, "a", RED, "1"), second])


def test_two_classes_may_have_no_key() -> None:
    assert len(ClassTable([ClassInfo(1, "a", RED), ClassInfo(2, "b", RED)])) == 2


@pytest.mark.parametrize("index", [-1, 0, 256])
def test_index_outside_a_byte_is_refused(index: int) -> None:
    with pytest.raises(ClassTableError, match="1 to 255"):
        ClassInfo(index, "a", RED)


def test_colour_outside_a_byte_is_refused() -> None:
    with pytest.raises(ClassTableError, match="0 to 255"):
        ClassInfo(1, "a", (0, 0, 256))


@pytest.mark.parametrize(
    "rows",
    [
        [{"index": 1}],
        [{"index": "one", "name": "a", "colour": RED}],
        [{"index": 1, "name": "a", "colour": (1, 2)}],
        [{"index": 1, "name": "a", "colour": 7}],
        ["tumour"],
        [None],
        7,
    ],
)
def test_foreign_json_is_one_clear_error(rows) -> None:
    with pytest.raises(ClassTableError):
        ClassTable.from_json(rows)
