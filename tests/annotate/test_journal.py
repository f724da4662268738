"""The chain of a journal: whatever is changed in it is found, and said where."""

import sqlite3

import pytest

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.annotate._drawing import pack_drawing
from napari_histossl.errors import JournalError
from napari_histossl.geometry import Box

STROKES = [Stroke([(50 * n, 77), (50 * n, 99)], 9.3, n % 5 + 1) for n in range(1, 8)]


@pytest.fixture
def written(mask, path):
    """A closed mask with seven strokes, an undo and a filled region."""
    for stroke in STROKES:
        mask.paint(stroke)
    mask.undo()
    mask.paint_region(Box(0, 0, 50, 50), 3, tool="fill")
    mask.close()
    return path.with_name("nester é.journal.sqlite")


def change(journal, *statements):
    with sqlite3.connect(journal) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def verify(path):
    with MaskStore.open(path, read_only=True) as mask:
        return mask.verify()


def test_an_untouched_journal_verifies(written, path):
    assert verify(path) == 9


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE entries SET author = 'somebody else' WHERE seq = 3", 3),
        ("UPDATE entries SET utc = '1999-01-01' WHERE seq = 1", 1),
        ("UPDATE entries SET class_index = 5 WHERE seq = 2", 2),
        ("UPDATE entries SET y = y + 1 WHERE seq = 4", 4),
        ("UPDATE entries SET hash = 'ab' WHERE seq = 4", 4),
        ("UPDATE entries SET previous = 'ab' WHERE seq = 4", 4),
        ("UPDATE entries SET height = -4 WHERE seq = 4", 4),
        ("DELETE FROM entries WHERE seq = 5", 5),
        ("DELETE FROM entries WHERE seq = 9", 9),
        ("DELETE FROM payloads WHERE seq = 6", 6),
        ("DELETE FROM patches WHERE seq = 6", 6),
        ("UPDATE patches SET body = x'00' WHERE seq = 7 AND part = 'before'", 7),
        ("UPDATE patches SET body = x'00' WHERE seq = 9 AND part = 'after'", 9),
        ("UPDATE payloads SET body = substr(body, 2) WHERE seq = 2", 2),
        ("UPDATE meta SET value = replace(value, 'tumour', 'benign')", 1),
    ],
)
def test_a_change_is_found_and_said_where(written, path, statement, seq):
    change(written, statement)
    with pytest.raises(JournalError, match=rf"damaged at entry {seq}:") as error:
        verify(path)
    assert f"the {seq - 1} entries before are intact" in str(error.value)


def test_a_flipped_byte_of_the_file_is_found(written, path):
    body = bytearray(written.read_bytes())
    geometry = pack_drawing(STROKES[3].drawing())
    place = body.find(geometry)
    assert place > 0
    body[place + len(geometry) // 2] ^= 0x10
    written.write_bytes(body)
    with pytest.raises(JournalError, match="damaged at entry 4"):
        verify(path)


def test_damaged_pixels_are_not_restored(written, path):
    change(written, "UPDATE patches SET body = x'0011' WHERE seq = 9")
    with MaskStore.open(path) as mask:
        before = mask.read(Box(0, 0, 700, 600))
        with pytest.raises(JournalError, match="damaged at entry 9"):
            mask.undo()
        assert (mask.read(Box(0, 0, 700, 600)) == before).all()


@pytest.mark.parametrize("content", [b"", b"not a database" * 999])
def test_a_file_that_is_no_journal_is_one_sentence(written, path, content):
    written.write_bytes(content)
    with pytest.raises(JournalError) as error:
        MaskStore.open(path)
    assert "\n" not in str(error.value)


def test_a_truncated_journal_is_one_sentence(written, path):
    body = written.read_bytes()
    written.write_bytes(body[: len(body) // 2])
    with pytest.raises(JournalError):
        verify(path)


def test_a_journal_of_a_later_program_is_refused(written, path):
    change(written, "PRAGMA user_version = 9")
    with pytest.raises(JournalError, match="newer"):
        MaskStore.open(path)


def test_nonsense_in_the_history_is_one_sentence(written, path):
    change(written, "UPDATE entries SET kind = 'undo' WHERE seq = 1")
    with pytest.raises(JournalError, match="entry 1"):
        MaskStore.open(path)


def test_a_commit_waits_for_the_disk(mask):
    connection = mask._journal._database._connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
