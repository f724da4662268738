"""The Correct page: a mask on the slide, painted and saved stroke by stroke."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.widgets._correct_export import ExportGroup
from napari_histossl.widgets._correct_history import HistoryGroup
from napari_histossl.widgets._correct_mask import MaskGroup
from napari_histossl.widgets._correct_measure import MeasureGroup
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import Page
from napari_histossl.widgets._mask_compare import MaskCompareGroup
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._paint_tools import PaintTools
from napari_histossl.widgets._review_comments import CommentGroup
from napari_histossl.widgets._review_group import ReviewGroup
from napari_histossl.widgets._review_looked import LookedGroup
from napari_histossl.widgets._review_sign import SignGroup
from napari_histossl.widgets._workbench import Workbench


class CorrectPage(Page):
    """Start or open a mask, paint on it, undo, measure, export.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    author : str or None
        Who paints, for the journal.

    Attributes
    ----------
    session : MaskSession or None
        The open mask.
    """

    def __init__(self, bench: Workbench, author: str | None = None) -> None:
        super().__init__()
        self.bench = bench
        self.session: MaskSession | None = None
        self._author = author
        self.mask = MaskGroup(bench, author)
        self.new = self.mask.new
        self.tools = PaintTools(bench)
        self.review = ReviewGroup(bench, self.mask.run_bar, self)
        self.comments, self.looked = CommentGroup(bench), LookedGroup(bench)
        self.second = MaskCompareGroup(bench, self.mask.run_bar)
        self.second.differences.connect(self.review.load)
        self.signing = SignGroup(bench, author)
        self.review.edit_requested.connect(self.tools.pick_class)
        self.history = HistoryGroup()
        self.measures = MeasureGroup(bench, self.mask.run_bar)
        self.exports = ExportGroup(bench, self.mask.run_bar)
        # each follows the open mask; those after the first are out of the way without
        self._groups: dict[str, QWidget] = {
            "Mask": self.mask,
            "Paint": self.tools,
            "History": self.history,
            "Review": self.review,
            "Looked at": self.looked,
            "Comments": self.comments,
            "Second mask": self.second,
            "Sign": self.signing,
            "Measure": self.measures,
            "Export": self.exports,
        }
        for title, group in self._groups.items():
            self.section(title).addWidget(group)
        self.mask.wanted.connect(self.open_mask)
        self.mask.closing.connect(self.close_mask)
        bench.slide_changed.connect(self._on_slide_changed)
        self._follow()

    def refresh(self) -> None:
        """Show the masks of the slide in view and the state of the open one."""
        self.mask.refresh()

    def _follow(self) -> None:
        """Let every group follow the open mask, or none."""
        session = self.session
        for group in self._groups.values():
            group.follow(session)
            box = group.parentWidget()
            if group is not self.mask and box is not None:
                box.setVisible(session is not None)

    # ---- asked for

    def create_mask(self) -> None:
        """Create the mask that the form describes, in the worker, then open it."""
        self.mask.create()

    def open_mask(self, path: Path) -> None:
        """Open a mask of the slide in view for correction."""
        self.close_mask()
        try:
            session = MaskSession(self.bench, path, self._author)
        except HistoSSLError as error:
            show_error(error, self.bench.hidden_names)
            return
        self.session = session
        session.ended.connect(self._on_ended)
        self._follow()

    def open_newest(self) -> bool:
        """Open the mask that was made last; return whether there is one."""
        found = self.mask.found()
        if found:
            self.open_mask(max(found, key=lambda path: path.stat().st_mtime))
        return self.session is not None

    def undo(self) -> None:
        """Take back the newest edit."""
        self.history.undo()

    def redo(self) -> None:
        """Do again what was taken back last."""
        self.history.redo()

    def export(self, path: Path) -> None:
        """Write the view as PNG, or the whole mask as what the ending says."""
        self.exports.export(path)

    def close_mask(self) -> None:
        """Close the open mask; all is saved already."""
        if self.session is not None:
            self.session.close()

    def _on_ended(self) -> None:
        self.session = None
        self._follow()

    def _on_slide_changed(self) -> None:
        self.close_mask()
        self.refresh()
