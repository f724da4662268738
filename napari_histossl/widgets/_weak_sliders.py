"""Three sliders of what is shown of classes, each with its number."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

from napari_histossl.models.recipe import GATE_EPSILON
from napari_histossl.widgets._form import form, row, slider
from napari_histossl.widgets._later import later

_STEPS = 100
_MU = 0.65
"""Where the published schedule of dropout attention ends."""

_DELAY_MS = 40
"""What is left out is read anew when a slider has rested for so long."""


class ClassSliders(QWidget):
    """Threshold, epsilon and mu.

    Attributes
    ----------
    rested : Signal
        Threshold or epsilon has changed and stays there for a moment.
    moved : Signal
        Epsilon or mu moves.
    threshold, epsilon, mu : QSlider
        In hundredths.
    """

    rested = Signal()
    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.threshold, self.epsilon, self.mu = (slider(_STEPS) for _ in range(3))
        self.epsilon.setMaximum(_STEPS - 1)  # at 1 no class could ever be there
        self.epsilon.setValue(round(GATE_EPSILON * _STEPS))
        self.mu.setValue(round(_MU * _STEPS))
        self._late = later(self, _DELAY_MS, self.rested.emit)
        for one in (self.threshold, self.epsilon):
            one.valueChanged.connect(lambda _value: self._late.start())
        for one in (self.epsilon, self.mu):
            one.valueChanged.connect(lambda _value: self.moved.emit())
        self._lay_out()

    def _lay_out(self) -> None:
        rows = form()
        for words, one, tip in (
            ("From", self.threshold, "Least value that is shown"),
            ("Epsilon", self.epsilon, "A class of at most this probability is absent"),
            ("Mu", self.mu, "What is above this share of its maximum is hidden"),
        ):
            rows.addRow(words, _with_number(one, tip))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(rows)

    @property
    def least(self) -> float:
        """Least value that is shown, 0 to 1."""
        return _share(self.threshold)

    @property
    def absent_to(self) -> float:
        """Probability up to which a class is absent, 0 to below 1."""
        return _share(self.epsilon)

    @property
    def hidden_from(self) -> float:
        """Share of its maximum above which activation is hidden, 0 to 1."""
        return _share(self.mu)


def _share(one: QSlider) -> float:
    return one.value() / _STEPS


def _with_number(one: QSlider, tip: str) -> QWidget:
    """Return a slider with its number beside it."""
    one.setToolTip(tip)
    value = QLabel(f"{_share(one):.2f}")
    value.setMinimumWidth(value.fontMetrics().horizontalAdvance("0.00"))
    one.valueChanged.connect(lambda _value: value.setText(f"{_share(one):.2f}"))
    made = QWidget()
    line = row(one, value)
    line.setContentsMargins(0, 0, 0, 0)
    made.setLayout(line)
    return made
