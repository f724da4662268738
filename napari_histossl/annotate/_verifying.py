"""Whether a journal is what was written, and where it is not."""

from __future__ import annotations

from napari_histossl.annotate._entries import Entry, Kind, digest
from napari_histossl.annotate.journal import Journal
from napari_histossl.errors import JournalError


def verify(journal: Journal) -> int:
    """Check the chain and all blobs, and return the number of entries.

    Raises
    ------
    JournalError
        At the first entry that is not what was written; those before it are.
    """
    previous, seq = journal.facts.header_sha256, 0
    try:
        for entry in journal.entries():
            _verify_chain(journal, entry, seq + 1, previous)
            _verify_blobs(journal, entry)
            seq, previous = entry.seq, entry.hash
        if seq < journal.facts.synced_seq:
            raise journal.damaged(seq + 1, "it is missing")
    except JournalError as error:
        raise JournalError(f"{error}; the {seq} entries before are intact") from error
    return seq


def _verify_chain(journal: Journal, entry: Entry, seq: int, previous: str) -> None:
    if entry.seq != seq:
        raise journal.damaged(seq, "it is missing")
    if entry.previous != previous:
        raise journal.damaged(seq, "it does not follow from what is before it")
    if entry.hash != journal.stored_hash(seq):
        raise journal.damaged(seq, "it was changed after it was written")


def _verify_blobs(journal: Journal, entry: Entry) -> None:
    if entry.kind is Kind.FILLED:
        if digest(journal.blobs.patches(entry.target, "before")) != entry.before_sha256:
            raise journal.damaged(
                entry.target, "its pixels before the change are not what was written"
            )
        return
    journal.payload(entry)
    journal.check_patches(entry, "after")
    if entry.is_large:
        for number in journal.blobs.numbers(entry.seq, "before"):
            journal.patch_before(entry.seq, number)
    else:
        journal.check_patches(entry, "before")
