"""What the take tool takes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QCheckBox, QSpinBox, QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.proposals import (
    ProposalChoice,
    Proposed,
    has_heads,
    list_proposals,
    open_proposal,
    title,
)
from napari_histossl.widgets._form import combo, form, note
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._tool_proposal_layer import ProposalLayer
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets._worker import BackgroundReads

_NOTHING = "no overlay and no other mask on this slide yet"


class ProposalControl(QWidget):
    """Chooses a proposal and opens it in a thread.

    Parameters
    ----------
    bench : Workbench
        Knows the slide in view.

    Attributes
    ----------
    proposed : Proposed or None
        The open proposal.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._session: MaskSession | None = None
        self.proposed: Proposed | None = None
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_answered)
        self._asked: object = None
        self._path = combo()
        self._path.currentIndexChanged.connect(self._open)
        self._head, self._kept = QSpinBox(), QSpinBox()
        self._head.setPrefix("head ")
        self._kept.setRange(1, 99)
        self._kept.setValue(20)
        self._kept.setSuffix(" % with the most attention")
        for box in (self._head, self._kept):
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._open)
        self._show = QCheckBox("Show it below the mask")
        self._show.setChecked(True)
        self._show.toggled.connect(lambda _wanted: self._show_layer())
        self._picture = ProposalLayer(bench)
        self._is_in_hand = False
        self._said = note()
        self._rows = form()
        self._rows.addRow("From", self._path)
        self._rows.addRow("", self._head)
        self._rows.addRow("", self._kept)
        self._rows.addRow("", self._show)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._rows)
        column.addWidget(self._said)

    def follow(self, session: MaskSession | None) -> None:
        """Take into another mask, or into none."""
        if session is None:
            self._picture.hide()
        self._session = session
        self.refresh()

    def take_in_hand(self, is_in_hand: bool) -> None:
        """Show the proposal as long as it is taken from."""
        self._is_in_hand = is_in_hand
        if is_in_hand:
            self.refresh()
        self._show_layer()

    def _show_layer(self) -> None:
        path, session = self._path.currentData(), self._session
        layer = None if session is None else session.layer
        is_wanted = self._is_in_hand and self._show.isChecked()
        if is_wanted and path is not None and layer is not None:
            self._picture.show(path, layer)
        else:
            self._picture.hide()

    def refresh(self) -> None:
        """List what is on the slide now; what was chosen stays chosen."""
        shown, session = self._bench.shown, self._session
        found: list[Path] = []
        if shown is not None and session is not None:
            found = list_proposals(shown.folder, session.path)
        listed = [self._path.itemData(place) for place in range(self._path.count())]
        if session is not None and listed == found and self.proposed:
            return
        before = self._path.currentData()
        self._path.blockSignals(True)
        self._path.clear()
        for path in found:
            self._path.addItem(title(path), path)
        if not found:
            self._path.addItem(_NOTHING, None)
        self._path.setEnabled(bool(found))
        self._path.setCurrentIndex(found.index(before) if before in found else 0)
        self._path.blockSignals(False)
        self._open()

    def on_class(self) -> None:
        """Another class is in hand: what heads propose becomes that one."""
        if self._rows.isRowVisible(self._head):
            self._open()

    def _open(self, _value: Any = None) -> None:
        self.proposed, session, path = None, self._session, self._path.currentData()
        self._asked = object()
        self._show_heads(path)
        self._said.setText("")
        self._show_layer()
        if session is None or path is None or session.layer is None:
            return
        choice = ProposalChoice(
            path,
            self._head.value(),
            self._kept.value() / 100,
            int(session.layer.selected_label) or 1,
        )
        asked, store = self._asked, session.store
        self._reads.ask("proposal", lambda: (asked, _opened(choice, store)))

    def _show_heads(self, path: Path | None) -> None:
        try:
            is_of_heads = path is not None and has_heads(path)
        except HistoSSLError:
            is_of_heads = False  # opening it says why
        for widget in (self._head, self._kept):
            self._rows.setRowVisible(widget, is_of_heads)

    def _on_answered(self, _name: object, answer: Any) -> None:
        asked, opened = answer
        if asked is not self._asked:
            return
        if isinstance(opened, HistoSSLError):
            self._said.setText(f"Cannot be taken from: {opened}")
            return
        self.proposed = opened
        if opened.left_out:
            names = ", ".join(opened.left_out)
            self._said.setText(f"Not taken, the mask has no such class: {names}.")


def _opened(choice: ProposalChoice, store: Any) -> Proposed | HistoSSLError:
    try:
        return open_proposal(choice, store)
    except HistoSSLError as error:
        return error
