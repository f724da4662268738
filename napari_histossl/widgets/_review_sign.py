"""Signing a region of the mask, and lifting a signature."""

from __future__ import annotations

from datetime import datetime

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_histossl.annotate import Kind, Receipt, Signature
from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.widgets._form import button, combo, form, note, row
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._overlays_region import Region
from napari_histossl.widgets._review_keys import TextField
from napari_histossl.widgets._review_lines import fit_height
from napari_histossl.widgets._review_outline import Outline
from napari_histossl.widgets._workbench import Workbench

VIEW, REGION, WHOLE = "what is on the screen", "a rectangle I draw", "the whole mask"
"""What can be signed."""

_ROWS = 3
"""Signatures that are seen at once; the list scrolls."""


class SignGroup(QWidget):
    """Locks parts of a mask in somebody's name.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    author : str or None
        Who signs; None stands for the login name.
    """

    def __init__(self, bench: Workbench, author: str | None = None) -> None:
        super().__init__()
        self._session: MaskSession | None = None
        self._region, self._outline = Region(bench), Outline(bench)
        self.part = combo()
        for words in (VIEW, REGION, WHOLE):
            self.part.addItem(words)
        self.name = TextField("login name")
        self.name.setText(author or "")
        self.statement = TextField("such as: tumour outlined, final")
        self._draw = button("Draw it", self._region.draw)
        self._sign = button("Sign and lock", self.sign, "Nothing in it changes then")
        self._lift = button("Unlock", self.unlock, "The signature stays in the history")
        self._said, self.list = note(), QListWidget()
        self.list.itemClicked.connect(self._on_clicked)
        self._lay_out()
        self.part.currentIndexChanged.connect(lambda _index: self._allow())
        self._region.changed.connect(self._allow)
        self.follow(None)

    def _lay_out(self) -> None:
        rows = form()
        rows.addRow("Sign", self.part)
        rows.addRow("as", self.name)
        rows.addRow("that", self.statement)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(rows)
        column.addLayout(row(self._draw, self._sign))
        for widget in (self._said, self.list, self._lift):
            column.addWidget(widget)

    def follow(self, session: MaskSession | None) -> None:
        """Sign another mask, or none."""
        self._session = session
        if session is not None:
            session.editor.saved.connect(self._on_saved)
        self._show()

    def sign(self) -> None:
        """Sign what is chosen; durable soon, a step of the journal."""
        session, box = self._session, self.box_px0()
        if session is None or box is None:
            return
        name = self.name.text().strip() or None
        statement = self.statement.text().strip()
        self._said.setText("Signing …")
        session.editor.apply(
            lambda: session.store.sign(box, author=name, statement=statement)
        )

    def unlock(self) -> None:
        """Lift the signature that is chosen in the list."""
        session, signature = self._session, self.chosen
        if session is None or signature is None:
            return
        name = self.name.text().strip() or None
        session.editor.apply(lambda: session.store.unlock(signature.seq, author=name))

    @property
    def chosen(self) -> Signature | None:
        """The signature that is chosen in the list."""
        item = self.list.currentItem()
        signature: Signature | None = None
        if item is not None:
            signature = item.data(Qt.ItemDataRole.UserRole)
        return signature

    def box_px0(self) -> Box | None:
        """Return what is to be signed, in pixels of the mask; None if nothing is."""
        session, words = self._session, self.part.currentText()
        if session is None:
            return None
        if words == WHOLE:
            return Box(0, 0, *session.shape)
        if words == VIEW:
            return session.view_box_px0()
        drawn, down = self._region.box_px0(), session.store.downsample
        if drawn is None:
            return None
        y0, x0 = int(drawn.y / down), int(drawn.x / down)
        y1, x1 = round(drawn.y1 / down), round(drawn.x1 / down)
        return Box(y0, x0, max(y1 - y0, 1), max(x1 - x0, 1))

    # ---- Details

    def _on_saved(self, receipt: Receipt) -> None:
        entry = receipt.entry
        if entry is not None and entry.kind in (Kind.LOCK, Kind.UNLOCK):
            self._show()

    def _on_clicked(self, _item: QListWidgetItem) -> None:
        signature, session = self.chosen, self._session
        if signature is not None and session is not None:
            self._outline.mark_box(signature.box, session.store.downsample)
        self._allow()

    def _show(self) -> None:
        self.list.clear()
        signatures: list[Signature] = []
        if self._session is not None:
            try:
                signatures = self._session.store.signatures()
            except HistoSSLError as error:
                self._said.setText(str(error))
                return
        for signature in signatures:
            item = QListWidgetItem(words_of(signature))
            item.setToolTip(item.text())
            item.setData(Qt.ItemDataRole.UserRole, signature)
            self.list.addItem(item)
        count = len(signatures)
        regions = "1 region is" if count == 1 else f"{count} regions are"
        self._said.setText(f"{regions} signed and locked." if count else "")
        self.list.setVisible(count > 0)
        fit_height(self.list, _ROWS)
        self._allow()

    def _allow(self) -> None:
        session = self._session
        may = session is not None and not session.store.read_only
        draws = self.part.currentText() == REGION
        self._draw.setVisible(draws)
        has_region = not draws or self._region.box_px0() is not None
        self._sign.setEnabled(may and has_region)
        self._lift.setVisible(self.list.count() > 0)
        self._lift.setEnabled(may and self.chosen is not None)


def words_of(signature: Signature) -> str:
    """Return a signature in words."""
    when = f"{datetime.fromisoformat(signature.utc).astimezone():%d %b %Y, %H:%M}"
    box = signature.box
    said = signature.statement or f"{box.height:,} × {box.width:,} px"
    return f"{said}\n{signature.author}, {when}"
