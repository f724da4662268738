"""What a run came to, in a sentence that stays when the run has ended."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.widgets._form import note
from napari_histossl.widgets._masking import masked
from napari_histossl.widgets._overlays_run import RunPanel
from napari_histossl.widgets._overlays_texts import sentence
from napari_histossl.widgets._workbench import Workbench

_STOPPED = "stopped; what is finished is kept, and Run goes on from there"


class RunOutcome(QWidget):
    """How much was done, or why not all of it.

    Parameters
    ----------
    bench : Workbench
        Whose runs end.
    panel : RunPanel
        Shows the run; knows whether it is one of this page.
    stopped : str, optional
        What is said of a run that a person stopped.
    """

    def __init__(
        self, bench: Workbench, panel: RunPanel, stopped: str = _STOPPED
    ) -> None:
        super().__init__()
        self._bench, self._panel, self._stopped = bench, panel, stopped
        self._failure = ""
        self._sentence = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._sentence)
        bench.worker.failed.connect(self._on_failed)
        self.hide()

    def text(self) -> str:
        """Return what is said."""
        return str(self._sentence.text())

    def tell(self, words: str, complete: bool) -> None:
        """Say what has been done, or why not all of it."""
        failure, self._failure = self._failure, ""
        if not complete:
            words = masked(failure, self._bench.hidden_names) or self._stopped
        self._sentence.setText(sentence(words) if words else "")
        self.setVisible(bool(words))

    def _on_failed(self, error: Exception) -> None:
        """Remember why a run ended; that it has is told right after."""
        if self._panel.is_on:
            self._failure = str(error)
