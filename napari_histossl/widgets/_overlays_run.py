"""The run that goes on: how far, how long still, on what; pause and stop."""

from __future__ import annotations

from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_histossl.jobs import Progress
from napari_histossl.widgets._form import button, note, readable_time, row
from napari_histossl.widgets._masking import masked
from napari_histossl.widgets._overlays_texts import sentence
from napari_histossl.widgets._workbench import Workbench

_DEVICE = "computing on "
"""How a run says where it computes."""


class RunPanel(QWidget):
    """Progress of a run of this page, and its two buttons.

    Parameters
    ----------
    bench : Workbench
        Whose run it is.

    Attributes
    ----------
    is_list : bool
        Whether the run goes over many slides.
    last_words : str
        What the run has said last, besides how far it is.
    done : str
        What it has done so far.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._is_mine = self.is_list = self._is_paused = False
        self._device = self.last_words = self.done = ""
        self._bar = QProgressBar()
        self._pause = button(
            "Pause", self._pause_or_go_on, "What is in flight is finished first"
        )
        self._stop = button(
            "Stop", bench.stop, "What is finished is kept; run again to go on"
        )
        self._sentence = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        line = row(self._bar, self._pause, self._stop)
        line.setStretch(0, 1)
        column.addLayout(line)
        column.addWidget(self._sentence)
        bench.progressed.connect(self._on_progress)
        bench.run_changed.connect(self._on_run_changed)
        self.hide()

    def follow(self, *, is_list: bool = False) -> None:
        """Show the run that has just been started."""
        self._is_mine, self.is_list, self._is_paused = True, is_list, False
        self._device = self.last_words = self.done = ""
        self._pause.setText("Pause")
        self._bar.setRange(0, 0)
        self._sentence.setText("Starting: the model is being loaded.")
        self.show()

    @property
    def is_on(self) -> bool:
        """Whether a run of this page goes on."""
        return self._is_mine

    def _pause_or_go_on(self) -> None:
        self._is_paused = not self._is_paused
        worker = self._bench.worker
        (worker.pause if self._is_paused else worker.resume)()
        self._pause.setText("Go on" if self._is_paused else "Pause")

    def _on_progress(self, progress: Progress, left_s: float | None) -> None:
        if not self._is_mine:
            return
        message = masked(progress.message, self._bench.hidden_names)
        if message.startswith(_DEVICE):
            self._device = message.removeprefix(_DEVICE)
        elif message != "paused":
            self.last_words = message
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.done)
        self._bar.setFormat("paused" if self._is_paused else "%p %")
        self.done = f"{progress.done:,} tiles are done"
        said = message
        if not self.is_list:
            said = f"{progress.done:,} of {progress.total:,} tiles"
        parts = [said]
        if left_s is not None and not self._is_paused and progress.done:
            parts.append(f"{readable_time(left_s)} left")
        if self._device:
            parts.append(f"on {self._device}")
        self._sentence.setText(sentence(", ".join(part for part in parts if part)))

    def _on_run_changed(self, running: bool) -> None:
        if not running:
            self._is_mine = False
            self.hide()
