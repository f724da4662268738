"""What is done with a locked study: packs go out, answers come back, a report."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_histossl.jobs import Progress
from napari_histossl.panels.study_folder import resolve_packs
from napari_histossl.study import (
    LockedStudy,
    Merged,
    PackPlan,
    merge_pack,
    open_truth,
    pack_study,
    report_locked,
)
from napari_histossl.widgets._errors import show_info
from napari_histossl.widgets._form import button, row
from napari_histossl.widgets._study_new import STUDY_FILTER
from napari_histossl.widgets._study_work import StudyWork

Locked = Callable[[], tuple[LockedStudy, Path]]
"""Reads a locked study; says where its key is."""


class PackButtons(QWidget):
    """Buttons for a study that is locked.

    Parameters
    ----------
    work : StudyWork
        Does it in a thread.
    locked : callable
        Returns what reads the study and the path of its key, in the thread.
    say : callable
        Shows a text.
    """

    def __init__(
        self,
        work: StudyWork,
        locked: Callable[[], Locked],
        say: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._work, self._locked, self._say = work, locked, say
        self._packed: list[PackPlan] = []
        work.ended.connect(self._tell_codes)
        line = row(
            button("Hand out …", self.hand_out, "One file a reader"),
            button("Take back …", self.take_back, "Answers of readers"),
            button("Report …", self.report, "HTML and JSON"),
        )
        line.setContentsMargins(0, 0, 0, 0)
        self.setLayout(line)

    def hand_out(self) -> None:
        """Make the packs of all readers who have none; show their codes."""
        if chosen := QFileDialog.getExistingDirectory(self, "Packs go into"):
            locked = self._locked()
            self._work.start(
                lambda: self._pack(locked, Path(chosen)), lambda _none: None
            )

    def _pack(self, locked: Locked, out: Path) -> Generator[Progress, None, None]:
        for plan in resolve_packs(*locked(), out):
            yield from pack_study(plan)
            self._packed.append(plan)

    def _tell_codes(self) -> None:
        """Show the codes of what was packed, also where the last pack failed."""
        plans, self._packed = self._packed, []
        if not plans:
            return
        lines = [f"{plan.path.name}: {plan.code}" for plan in plans]
        self._say(
            "Send each reader the pack, and the code another way; codes are shown only "
            "here.\n\n" + "\n".join(lines)
        )

    def take_back(self) -> None:
        """Take answers of readers in."""
        files, _ = QFileDialog.getOpenFileNames(self, "Packs", "", STUDY_FILTER)
        if files:
            locked = self._locked()
            self._work.start(lambda: _merge(locked, files), self._tell_merged)

    def _tell_merged(self, merged: list[Merged]) -> None:
        self._say(
            "\n".join(
                f"{one.reader}: {one.answers} answers, {one.outcome}" for one in merged
            )
        )

    def report(self) -> None:
        """Write the report and open it in the browser."""
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Report", "report.html", "Reports (*.html)"
        )
        if chosen:
            locked = self._locked()
            self._work.start(
                lambda: _write_report(locked, Path(chosen)), self._open_report
            )

    def _open_report(self, html: Path) -> None:
        show_info(f"The report is {html}.")
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(html)))


def _merge(locked: Locked, files: list[str]) -> Generator[Progress, None, list[Merged]]:
    study, key = locked()
    truth = open_truth(study, key)
    merged = []
    for done, path in enumerate(files, start=1):
        merged.append(merge_pack(study, truth, Path(path)))
        yield Progress(done, len(files))
    return merged


def _write_report(locked: Locked, out: Path) -> Generator[Progress, None, Path]:
    yield Progress(0, 1)
    html, _numbers = report_locked(*locked(), out)
    return html
