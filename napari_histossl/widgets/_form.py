"""Small pieces that give all pages the same look."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.jobs import Progress

if TYPE_CHECKING:
    from napari_histossl.widgets._workbench import Workbench


class Page(QWidget):
    """A column of titled sections with air at the bottom."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(8, 8, 8, 8)
        self._column.setSpacing(10)
        self._column.addStretch(1)

    def section(self, title: str) -> QVBoxLayout:
        """Add a titled section and return its column."""
        box = QGroupBox(title)
        column = QVBoxLayout(box)
        column.setContentsMargins(10, 8, 10, 10)
        column.setSpacing(6)
        self._column.insertWidget(self._column.count() - 1, box)
        return column


def scrolled(page: QWidget) -> QScrollArea:
    """Put a page in a scroll area that never scrolls sideways."""
    area = QScrollArea()
    area.setWidget(page)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def note(text: str = "") -> QLabel:
    """Return a label for sentences: wrapped, selectable, grey."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
    return label


def button(text: str, on_click: Callable[[], object], tip: str = "") -> QPushButton:
    """Return a push button."""
    made = QPushButton(text)
    made.clicked.connect(lambda _checked=False: on_click())
    made.setToolTip(tip)
    return made


def combo() -> QComboBox:
    """Return a list to choose from whose longest entry does not widen the dock."""
    made = QComboBox()
    made.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    made.setMinimumContentsLength(8)
    return made


def slider(most: int) -> QSlider:
    """Return a slider from 0 to a number."""
    made = QSlider(Qt.Orientation.Horizontal)
    made.setRange(0, most)
    return made


def row(*widgets: QWidget) -> QHBoxLayout:
    """Lay widgets side by side."""
    line = QHBoxLayout()
    line.setSpacing(6)
    for widget in widgets:
        line.addWidget(widget)
    return line


def form() -> QFormLayout:
    """Return a two-column layout of names and values."""
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(12)
    layout.setVerticalSpacing(4)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return layout


class RunBar(QWidget):
    """A progress bar with the time left and a button that stops."""

    def __init__(self, on_stop: Callable[[], object]) -> None:
        super().__init__()
        self._bar = QProgressBar()
        self._bar.setTextVisible(True)
        stop = button("Stop", on_stop, "What is finished is kept; run again to resume")
        line = row(self._bar, stop)
        line.setContentsMargins(0, 0, 0, 0)
        line.setStretch(0, 1)
        self.setLayout(line)
        self.hide()

    def follow(self, bench: Workbench) -> None:
        """Show the run that is about to start, until it ends."""
        self._bar.setRange(0, 0)
        self._bar.setFormat("starting")
        self.show()
        bench.progressed.connect(self._show_progress)
        bench.run_changed.connect(self._on_run_changed)
        self._bench = bench

    def _on_run_changed(self, running: bool) -> None:
        if not running:
            self.hide()
            self._bench.progressed.disconnect(self._show_progress)
            self._bench.run_changed.disconnect(self._on_run_changed)

    def _show_progress(self, progress: Progress, time_left_s: float | None) -> None:
        """Show how far the run is and how long it will take."""
        self._bar.setRange(0, progress.total)
        self._bar.setValue(progress.done)
        left = "" if time_left_s is None else f" · {readable_time(time_left_s)} left"
        self._bar.setFormat(f"%p %{left}")


def readable_time(seconds: float) -> str:
    """Return seconds as people say them.

    Examples
    --------
    >>> readable_time(4), readable_time(95), readable_time(9000)
    ('4 s', '2 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
