"""Names that people may not see, in sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_histossl.widgets._masking import masked, names_of

pytestmark = pytest.mark.gui

HIDDEN = names_of(Path("/data/Jane Doe.svs"), "Slide 7")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/data/Jane Doe.svs cannot be read", "Slide 7 cannot be read"),
        ("Jane Doe.svs: no tissue", "Slide 7: no tissue"),
        ("attention (Jane Doe), 12 tiles", "attention (Slide 7), 12 tiles"),
        ("in '/data/Jane Doe.svs.histossl'", "in 'Slide 7.histossl'"),
        ("Jane Doering is somebody else", "Jane Doering is somebody else"),
    ],
)
def test_a_name_is_hidden_wherever_it_is_a_whole_word(text, told):
    assert masked(text, HIDDEN) == told


def test_short_stems_leave_words_and_numbers_alone():
    hidden = names_of("/data/1.svs", "Slide 3")
    assert masked("1 of 1,118 tiles, level 1", hidden) == "1 of 1,118 tiles, level 1"
    assert masked("1.svs has no tissue", hidden) == "Slide 3 has no tissue"
    hidden = names_of("/data/case.svs", "Slide 3")
    assert masked("in any case: showcases", hidden) == "in any Slide 3: showcases"


def test_numbers_are_taken_whole():
    hidden = names_of("/data/2024.svs", "Slide 3")
    assert masked("2,024 and 12.2024 and 2024.5", hidden) == (
        "2,024 and 12.2024 and 2024.5"
    )
    assert masked("slide 2024.", hidden) == "slide Slide 3."


def test_an_alias_is_not_hidden_again():
    hidden = {"Slide": "Slide 1", "other": "Slide"}
    assert masked("Slide, other", hidden) == "Slide 1, Slide"


def test_without_secrets_nothing_changes():
    assert masked("Jane Doe.svs", {}) == "Jane Doe.svs"
