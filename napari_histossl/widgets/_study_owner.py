"""The owner's part of the Study page: design, power, leak check, lock."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QLineEdit, QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.jobs import Progress
from napari_histossl.panels.study_folder import resolve_power
from napari_histossl.study import (
    LockedStudy,
    PowerCurve,
    StudyFolder,
    check_study,
    describe_power,
    draft_study,
    draw_power,
    lock_study,
    open_folder,
    read_lock,
)
from napari_histossl.study.checking import last_leaks
from napari_histossl.study.power import iterate_power
from napari_histossl.study.sample_study import visitor_pack, write_sample_study
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import button, form, note, row
from napari_histossl.widgets._study_curve import Curve
from napari_histossl.widgets._study_design import DesignForm
from napari_histossl.widgets._study_fields import PathRow
from napari_histossl.widgets._study_packs import PackButtons
from napari_histossl.widgets._study_work import StudyWork


class StudyOwner(QWidget):
    """Everything that is done to a study but reading it.

    Attributes
    ----------
    pack_made : Signal of (str, str)
        A pack waits to be read here; its path and its code.
    """

    pack_made = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.work = StudyWork(self._fail)
        self.packs = PackButtons(self.work, self._locked, self._say)
        self.design = DesignForm()
        self.folder = PathRow(self._ask_folder, "the study's folder, yours alone")
        self.folder.changed.connect(self.refresh)
        self.key = PathRow(self._ask_key, "beside the folder")
        self.override = QLineEdit()
        self.override.setPlaceholderText("why it is locked in spite of leaks")
        self.state = note()
        self.outcome = note()
        self.curve = Curve()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.design)
        line = row(
            button("Design", self.draft, "Takes the pictures in"),
            button("Power", self.show_power, "How many readers and pictures?"),
            button("Sample …", self.make_sample, "Drawn tissue, simulated readers"),
        )
        column.addLayout(line)
        rows = form()
        rows.addRow("Folder", self.folder)
        rows.addRow("Key", self.key)
        rows.addRow("In spite of", self.override)
        column.addLayout(rows)
        column.addWidget(self.state)
        self._check = button("Check leaks", self.check, "Can trivial means tell?")
        self._lock = button("Lock", self.lock, "Seals truth and seed")
        column.addLayout(row(self._check, self._lock))
        column.addWidget(self.packs)
        column.addWidget(self.work)
        column.addWidget(self.curve)
        column.addWidget(self.outcome)
        column.addStretch(1)
        self.refresh()

    # ---- where it stands

    def refresh(self, _path: str = "") -> None:
        """Look at the folder again: how far the study is."""
        self.override.setEnabled(False)
        locked = is_designed = False
        text = ""
        if self.folder.text.strip():
            try:
                folder = open_folder(self._path())
                is_designed, locked = True, folder.is_locked
                text = self._describe(folder)
            except HistoSSLError as error:
                text = str(error)
        self.state.setText(text)
        self.state.setVisible(bool(text))
        for widget in (self._check, self._lock):
            widget.setEnabled(is_designed and not locked)
        self.packs.setEnabled(locked)

    def _describe(self, folder: StudyFolder) -> str:
        if folder.is_locked:
            study = read_lock(folder)
            spite = f" In spite of leaks: {study.override}." if study.override else ""
            return f"Locked {study.locked_utc[:10]}. {study.leaks.sentence}{spite}"
        if not folder.leaks.exists():
            return "Designed. Check it for leaks next."
        leaks = last_leaks(folder)
        self.override.setEnabled(bool(leaks.leaks))
        return f"{leaks.sentence} Lock it next."

    def _path(self) -> Path:
        return Path(self.folder.text.strip()).expanduser()

    def _locked(self) -> Callable[[], tuple[LockedStudy, Path]]:
        """Return what reads the study and says where its key is, in any thread."""
        path, key = self._path(), self.key.text.strip()

        def read() -> tuple[LockedStudy, Path]:
            study = read_lock(open_folder(path))
            return study, Path(key).expanduser() if key else study.folder.key

        return read

    def _fail(self, error: Exception) -> None:
        show_error(error)
        self.refresh()

    def _say(self, text: str) -> None:
        self.outcome.setText(text)
        self.refresh()

    # ---- before the lock

    def draft(self) -> None:
        """Take the pictures in."""
        try:
            plan = self.design.plan()
        except HistoSSLError as error:
            show_error(error)
            return
        self.work.start(
            lambda: draft_study(plan),
            lambda _none: self.folder.set_text(str(plan.folder)),
        )

    def show_power(self) -> None:
        """Simulate how many readers and pictures are enough."""
        plan = resolve_power(self.design.choice().margin)

        def tell(curve: PowerCurve) -> None:
            self._say("\n\n".join(describe_power(curve)))
            self.curve.show_svg(draw_power(curve))

        self._start(lambda: iterate_power(plan), tell)

    def make_sample(self) -> None:
        """Make a study to try everything with; one pack of it waits to be read."""
        chosen, _ = QFileDialog.getSaveFileName(self, "Folder of the sample study")
        if chosen:
            folder = Path(chosen)
            self._start(
                lambda: write_sample_study(folder),
                lambda _none: self.show_sample(folder),
            )

    def show_sample(self, folder: Path) -> None:
        """Show the sample study in a folder, with the pack that waits to be read."""
        self.folder.set_text(str(folder))
        self._say("Its pictures are drawn, and its readers simulated but for one.")
        pack, code = visitor_pack(StudyFolder(folder))
        self.pack_made.emit(str(pack), code)

    def check(self) -> None:
        """Try to tell the classes apart by trivial means."""
        folder = self._path()
        self._start(
            lambda: check_study(open_folder(folder)), lambda _none: self.refresh()
        )

    def lock(self) -> None:
        """Lock the study; the key is written beside its folder."""
        # Read here: a thread must not ask widgets.
        folder, key, why = self._path(), self.key.text.strip(), self.override.text()

        def steps() -> Generator[Progress, None, LockedStudy]:
            yield Progress(0, 1)
            where = Path(key).expanduser() if key else None
            return lock_study(open_folder(folder), where, why)

        def tell(study: LockedStudy) -> None:
            self._say(
                f"Locked as {study.sha256[:16]}. Keep the key "
                f"{key or study.folder.key} apart from the folder."
            )

        self.work.start(steps, tell)

    def _start(self, steps: Any, then: Any) -> None:
        self.outcome.setText("")
        self.curve.hide()
        self.work.start(steps, then)

    # ---- dialogs

    def _ask_folder(self) -> str:
        return QFileDialog.getExistingDirectory(self, "Folder of a study")

    def _ask_key(self) -> str:
        return QFileDialog.getOpenFileName(self, "Key", "", "Keys (*.key)")[0]
