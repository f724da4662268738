"""Objects of a proposal, one after another: seen, accepted, rejected, edited."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_histossl.annotate import Verdict
from napari_histossl.annotate.review_objects import ObjectTable
from napari_histossl.errors import HistoSSLError
from napari_histossl.panels import review
from napari_histossl.panels.review import ReviewSource
from napari_histossl.widgets import _key_table as keys
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import RunBar, button, note, row
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._review_filters import ReviewFilters
from napari_histossl.widgets._review_form import ReviewForm
from napari_histossl.widgets._review_keys import ReviewKeys, TextField
from napari_histossl.widgets._review_list import OutlineOf, ReviewList
from napari_histossl.widgets._review_outline import Outline
from napari_histossl.widgets._review_table import ObjectView
from napari_histossl.widgets._workbench import Workbench


class ReviewGroup(QWidget):
    """The list, and the steps through it.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    run_bar : RunBar
        How far the run of the page is.
    page : QWidget
        Where the keys of the review work as well.

    Attributes
    ----------
    edit_requested : Signal of int
        The brush is wanted, with this class.
    current : int or None
        The object that is looked at.
    """

    edit_requested = Signal(int)

    def __init__(self, bench: Workbench, run_bar: RunBar, page: QWidget) -> None:
        super().__init__()
        self._bench, self._run_bar = bench, run_bar
        self._session: MaskSession | None = None
        self.list: ReviewList | None = None
        self.current: int | None = None
        self._outline = Outline(bench)
        self._build()
        self._keys = ReviewKeys(
            bench,
            page,
            {
                keys.NEXT_OBJECT: lambda: self.step(forward=True),
                keys.PREVIOUS_OBJECT: lambda: self.step(forward=False),
                keys.ACCEPT: self.accept,
                keys.REJECT: self.reject,
            },
        )
        bench.run_changed.connect(lambda _running: self._allow())
        self.follow(None)

    # ---- Building

    def _build(self) -> None:
        self.form = ReviewForm(self._bench)
        self.form.asked.connect(self.list_objects)
        self.mode = QPushButton("Review with keys")
        self.mode.setCheckable(True)
        self.mode.setToolTip(
            "N next, Shift+N previous, Enter accepts, Backspace rejects"
        )
        self.mode.toggled.connect(self._on_mode)
        self.filters, self.view = ReviewFilters(), ObjectView()
        self.filters.changed.connect(self._arrange)
        self.view.chosen.connect(self.go_to)
        self.view.ordered.connect(self.filters.order)
        self._said = note()
        self.comment = TextField("Comment on this object, Enter saves it")
        self.comment.given.connect(self._on_comment)
        self._build_buttons()
        self._found = QWidget()
        inner = QVBoxLayout(self._found)
        inner.setContentsMargins(0, 0, 0, 0)
        for widget in (self.mode, self.filters, self.view, self._said):
            inner.addWidget(widget)
        inner.addLayout(row(self._previous, self._next))
        inner.addLayout(row(self._accept, self._reject, self._edit))
        inner.addWidget(self.comment)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form)
        column.addWidget(self._found)

    def _build_buttons(self) -> None:
        self._previous = button("Previous", lambda: self.step(forward=False))
        self._next = button("Next", lambda: self.step(forward=True))
        self._accept = button("Accept", self.accept, "It is as the model says")
        self._reject = button("Reject", self.reject, "Nothing of it stays in the mask")
        self._edit = button(
            "Edit", self.edit, "The brush, with the class of the object"
        )

    # ---- Which mask, which list

    def follow(self, session: MaskSession | None) -> None:
        """Review another mask, or none."""
        self._close_list()
        self._session = session
        if session is not None:
            self.form.refresh()
            self._load_stored()
        self._allow()

    def list_objects(self) -> None:
        """Make the list, in the worker."""
        session, source = self._session, self.form.source
        if session is None or source is None:
            return
        try:
            plan = self.form.plan(session)
        except HistoSSLError as error:
            show_error(error, self._bench.hidden_names)
            return
        if self._bench.run(
            lambda complete: self.load(source) if complete else None,
            review.find_objects,
            plan,
        ):
            self._run_bar.follow(self._bench)

    def load(self, source: ReviewSource) -> bool:
        """Open the list that was made of a source; return whether it is open."""
        session, shown = self._session, self._bench.shown
        if session is None or shown is None:
            return False
        self._close_list()
        try:
            table = ObjectTable.load(review.list_path(session.path, source))
            shape = shown.slide.levels[0].shape
            plane = review.plane_of(source, session.store, shape)
            self.list = ReviewList(session, table, plane)
        except HistoSSLError as error:
            show_error(error, self._bench.hidden_names)
            return False
        self.list.changed.connect(self._on_changed)
        self.list.outlined.connect(self._on_outlined)
        self.list.failed.connect(lambda error: self._said.setText(str(error)))
        self.view.follow(self.list.rows)
        self.filters.follow(self.list.rows)
        self._say()
        self._allow()
        return True

    def _load_stored(self) -> None:
        """Open the list that was made last time, if what it is of is still there."""
        session = self._session
        assert session is not None
        if not self.form.stored(session) or self.form.source is None:
            return
        try:
            table = ObjectTable.load(review.list_path(session.path, self.form.source))
        except HistoSSLError:
            return  # it is made again when it is asked for
        source = self.form.choose(table.proposal)
        if source is not None:
            self.load(source)

    def _close_list(self) -> None:
        self.mode.setChecked(False)
        if self.list is not None:
            self.list.close()
            self.list = None
        self.current = None
        self.view.follow(None)
        if self._bench.shown is not None and not self._bench.closed:
            self._outline.clear()

    # ---- One object after another

    def step(self, *, forward: bool) -> None:
        """Go to the next or the previous object of the list."""
        if self.list is None:
            return
        found = self.list.rows.step(self.current, forward)
        if found is None:
            end = "last" if forward else "first"
            self._say(f"This is the {end} one of the list.")
        else:
            self.go_to(found)

    def go_to(self, index: int) -> None:
        """Look at an object: the view moves there, and a line goes around it."""
        if self.list is None:
            return
        self.current = index
        self.view.select(index)
        self._outline.go_to(self.list.box_slide_px0(index))
        self.list.outline(index)
        comment = self.list.rows.comment(index)
        self.comment.setText(comment.text if comment else "")
        self._say()
        self._allow()

    def accept(self) -> None:
        """Take the object as the model has it, and go on."""
        self._decide(Verdict.ACCEPT)

    def reject(self) -> None:
        """Take the object out of the mask, and go on."""
        self._decide(Verdict.REJECT)

    def edit(self) -> None:
        """Take the brush, with the class of the object."""
        if self.list is not None and self.current is not None:
            table = self.list.table
            index = int(table.others[self.current]) or int(table.classes[self.current])
            self.edit_requested.emit(index)

    def _decide(self, verdict: Verdict) -> None:
        if self.list is None or not self._may_decide():
            return
        if self.current is None:
            self.step(forward=True)
            return
        self.list.decide(self.current, verdict)
        following = self.list.rows.next_open(self.current)
        if following is None:
            self._say("That was the last open one of the list.")
        else:
            self.go_to(following)

    def _on_comment(self, text: str) -> None:
        if self.list is not None and self.current is not None:
            self.list.comment(self.current, text)
            self.view.setFocus()  # the keys of the review work there

    # ---- What came of it

    def _on_changed(self, _indices: object) -> None:
        self.view.objects.refresh()
        self._say()

    def _on_outlined(self, answer: OutlineOf) -> None:
        if answer.index == self.current and self._bench.shown is not None:
            self._outline.show(answer.lines_px0)

    def _arrange(self, shown: Any) -> None:
        self.view.objects.arrange(shown)
        self.view.mark_order(shown)
        self.view.select(self.current)
        self._say()

    def _on_mode(self, wanted: bool) -> None:
        self._keys.hold(wanted)
        if wanted and self.current is None:
            self.step(forward=True)

    def _may_decide(self) -> bool:
        session = self._session
        is_difference = self.list is not None and self.list.rows.is_difference
        return session is not None and not session.store.read_only and not is_difference

    def _allow(self) -> None:
        is_open = self._session is not None
        self.form.list_button.setEnabled(is_open and not self._bench.worker.is_running)
        self._found.setVisible(self.list is not None)
        has_one = self.current is not None
        for one in (self._accept, self._reject):
            one.setEnabled(has_one and self._may_decide())
        for widget in (self._edit, self.comment):
            widget.setEnabled(has_one and is_open)

    def _say(self, more: str = "") -> None:
        if self.list is None:
            self._said.clear()
            return
        self._said.setText(" ".join(x for x in (said(self.list.rows), more) if x))


def said(rows: Any) -> str:
    """Return how far the review of a list is, in a sentence."""
    count = len(rows.table)
    if not count:
        return f"{rows.table.proposal}: no object was found."
    left_out = rows.table.left_out
    smaller = f" {left_out:,} smaller ones are not listed." if left_out else ""
    listed = len(rows.visible)
    of = "" if listed == count else f" {listed:,} of them are shown."
    objects = "1 object" if count == 1 else f"{count:,} objects"
    title = rows.table.proposal
    return f"{title}: {objects}, {rows.decided:,} decided or edited.{of}{smaller}"
