"""What people say about a mask beside painting it: comments and signatures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from napari_histossl.annotate import _arguments, comments, signing
from napari_histossl.annotate._entries import Entry, Kind
from napari_histossl.annotate._receipts import Receipt
from napari_histossl.annotate._upkeep import KeptMask
from napari_histossl.annotate.comments import Comment, comment_of, pack_comment
from napari_histossl.annotate.journal import Change
from napari_histossl.annotate.signing import Signature, pack_signature, signature_of
from napari_histossl.annotate.strokes import check_text
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box


class ReviewedMask(KeptMask):
    """Comments and signatures of a mask; see `MaskStore`."""

    def comment(
        self,
        box: Box,
        text: str,
        *,
        author: str | None = None,
        about: str = "",
        replaces: int = 0,
    ) -> Receipt:
        """Write something about a region; durable when this returns.

        Parameters
        ----------
        box : Box
            The region in level-0 pixels; what hangs over the mask is cut off.
        text : str
            At most 4,000 characters; empty to take back the comment that is replaced.
        author : str or None
            Who writes; None stands for the login name.
        about : str
            Name of the object that it is about, or an empty string.
        replaces : int
            Entry of the comment in whose place it stands, 0 for none.

        Raises
        ------
        AnnotationError
            If the text is too long, the region is outside the mask, there is no such
            comment, or the mask is open for looking only.
        JournalError
            If the journal cannot be written.
        """
        check_text(author or "", "author")
        payload = pack_comment(text, about)
        inside = self._inside(box)
        with self._changing():
            if replaces:
                self._require_kind(replaces, Kind.COMMENT)
            change = Change(Kind.COMMENT, inside, "comment", author, target=replaces)
            return Receipt(self._writer.note(change, payload))

    def comments(self) -> list[Comment]:
        """Return the comments that stand, oldest first.

        Raises
        ------
        JournalError
            If one is damaged.
        """
        written = (e for e in self.entries() if e.kind is Kind.COMMENT)
        return comments.standing(comment_of(e, self.payload(e)) for e in written)

    def sign(
        self, box: Box, *, author: str | None = None, statement: str = ""
    ) -> Receipt:
        """Lock a region, and sign what it holds; durable when this returns.

        Parameters
        ----------
        box : Box
            The region in level-0 pixels; what hangs over the mask is cut off.
        author : str or None
            Who signs; None stands for the login name.
        statement : str
            What is signed, at most 500 characters.

        Raises
        ------
        AnnotationError
            If the statement is too long, the region is outside the mask, or the mask is
            open for looking only.
        JournalError, StoreError
            As for `paint`.

        Notes
        -----
        Reads what the region holds: about 10 ms for each million labelled pixels.
        """
        check_text(author or "", "author")
        inside = self._inside(box)
        with self._changing():
            self._writer.prepare()
            self._writer.filler.fill_under(inside)
            payload = pack_signature(statement, signing.hash_pixels(self, inside))
            change = Change(Kind.LOCK, inside, "sign", author)
            return Receipt(self._writer.note(change, payload))

    def unlock(self, seq: int, *, author: str | None = None) -> Receipt:
        """Lift a signature; a new entry, the signature stays in the history.

        Parameters
        ----------
        seq : int
            Entry of the signature.
        author : str or None
            Who lifts it; None stands for the login name.

        Raises
        ------
        AnnotationError
            If it does not stand, or the mask is open for looking only.
        JournalError
            If the journal cannot be written.
        """
        check_text(author or "", "author")
        with self._changing():
            if seq not in self._journal.locked:
                raise AnnotationError(
                    f"entry {seq} of {self.path.name} is no signature that stands; it "
                    f"was lifted already, or never made"
                )
            box = self._journal.entry(seq).box
            change = Change(Kind.UNLOCK, box, "unlock", author, target=seq)
            return Receipt(self._writer.note(change, b""))

    def signatures(self) -> list[Signature]:
        """Return the signatures that stand, oldest first.

        Raises
        ------
        JournalError
            If one is damaged.
        """
        return list(self._signatures())

    def verify(self) -> int:
        """Check the journal's chain and pixels, and what was signed.

        Returns
        -------
        int
            Number of entries.

        Raises
        ------
        JournalError
            At the first entry that is not what was written; those before it are. Also
            if a signed region holds other pixels than were signed.
        """
        count = super().verify()
        with self._lock:
            signing.check_signatures(self, self._signatures())
        return count

    def payload(self, entry: Entry) -> bytes:
        """Return what an entry holds beside its fields: geometry, provenance, text.

        Raises
        ------
        JournalError
            If it is not what was written.
        """
        return self._journal.payload(entry)

    def facts_of(self, entry: Entry) -> dict[str, Any]:
        """Return what was written with a decision or a take; empty where nothing was.

        Raises
        ------
        JournalError
            If it is damaged.
        """
        body = self.payload(entry)
        return dict(json.loads(body)) if body else {}

    def _signatures(self) -> Iterator[Signature]:
        for entry in self._writer.locks.standing():
            yield signature_of(entry, self.payload(entry))

    def _inside(self, box: Box) -> Box:
        inside = _arguments.inside(box, self.shape)
        if inside is None:
            raise AnnotationError(
                f"the region at row {box.y}, column {box.x} lies outside the mask of "
                f"{self.shape[0]} x {self.shape[1]} px"
            )
        return inside

    def _require_kind(self, seq: int, kind: Kind) -> None:
        if self._journal.entry(seq).kind is not kind:
            raise AnnotationError(f"entry {seq} of {self.path.name} is no {kind.value}")
