"""Weights that tell classes, and the two runs with them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_histossl.geometry import Box
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.attention import AttentionChoice, gather
from napari_histossl.panels.class_maps import ClassMapChoice, resolve_class_maps
from napari_histossl.panels.class_models import weights_file
from napari_histossl.panels.segmentation import (
    SegmentationChoice,
    resolve_segmentation,
)
from napari_histossl.panels.tissue import saved_or_found
from napari_histossl.slide import Slide
from napari_histossl.widgets._form import combo, form
from napari_histossl.widgets._later import later
from napari_histossl.widgets._overlays_run import RunPanel
from napari_histossl.widgets._overlays_weights import WeightsList
from napari_histossl.widgets._priced_run import Planning, PricedRun
from napari_histossl.widgets._weak_texts import price
from napari_histossl.widgets._workbench import Workbench

_SETTLE_MS = 250
"""The view has settled when it has not moved for so long."""

_WHERE = (("Tissue in view", "view"), ("Tissue of the whole slide", "slide"))


class ClassRuns(QWidget):
    """Choose a classifier and a segmenter, see what a run costs, run.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    epsilon : callable
        Returns the probability up to which a class is absent.
    told : callable
        Returns a sentence as people may read it.

    Attributes
    ----------
    weights_changed : Signal
        Another classifier is chosen.
    done : Signal of RunPlan
        A run has ended.
    """

    weights_changed = Signal()
    done = Signal(object)

    def __init__(
        self,
        bench: Workbench,
        epsilon: Callable[[], float],
        told: Callable[[str], str],
    ) -> None:
        super().__init__()
        self._bench, self._epsilon = bench, epsilon
        self.classifier = WeightsList(bench, task="classifier")
        self.segmenter = WeightsList(bench, task="segmenter")
        self._gate = QCheckBox("Gated by the classifier")
        self._gate.setToolTip("Only classes that it finds in a window are there")
        self._gate.setChecked(True)
        self._where = combo()
        for words, extent in _WHERE:
            self._where.addItem(words, extent)
        self._panel = RunPanel(bench)
        self.look = self._run("See what the classifier sees …", self._plan_maps, told)
        self.segment = self._run("Segment …", self._plan_segmentation, told)
        self._lay_out()
        self._settled = later(self, _SETTLE_MS, self._on_settled)
        self._connect()

    def _run(
        self, words: str, plan: Callable[[], Planning], told: Callable[[str], str]
    ) -> PricedRun:
        made = PricedRun(self._bench, words, plan, price, told, self._panel)
        made.done.connect(self.done.emit)
        return made

    def _lay_out(self) -> None:
        rows = form()
        rows.addRow("Classifier", self.classifier)
        rows.addRow("Segmenter", self.segmenter)
        rows.addRow("", self._gate)
        rows.addRow("Where", self._where)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(rows)
        for widget in (self.look, self.segment, self._panel):
            column.addWidget(widget)

    def _connect(self) -> None:
        self.classifier.changed.connect(self.weights_changed.emit)
        for changed in (
            self.classifier.changed,
            self.segmenter.changed,
            self._gate.toggled,
            self._where.currentIndexChanged,
        ):
            changed.connect(lambda *_: self.forget())
        camera = self._bench.viewer.scene.camera
        camera.events.center.connect(lambda _event: self._settled.start())
        camera.events.zoom.connect(lambda _event: self._settled.start())

    def refresh(self) -> None:
        """List weights anew."""
        self.classifier.refresh()
        self.segmenter.refresh()

    def forget(self) -> None:
        """Take prices back: they were for another choice."""
        self.look.forget()
        self.segment.forget()

    def tile_choice(self) -> ClassMapChoice:
        """Return what is chosen, for tiles under the cursor."""
        return ClassMapChoice(
            weights=self.classifier.chosen, workspace=self._bench.workspace
        )

    # ---- Planning

    def _plan_maps(self) -> Planning:
        choice = ClassMapChoice()  # epsilon is for what is shown of the maps
        self._fill(choice)
        return partial(_maps, choice, self.classifier.chosen, self._view_px0())

    def _plan_segmentation(self) -> Planning:
        choice = SegmentationChoice(
            classifier=self.classifier.chosen,
            gate=self._gate.isChecked(),
            epsilon=self._epsilon(),
        )
        self._fill(choice)
        return partial(_segmentation, choice, self.segmenter.chosen, self._view_px0())

    def _fill(self, choice: AttentionChoice) -> None:
        choice.workspace = self._bench.workspace
        choice.extent = self._where.currentData()

    def _view_px0(self) -> Box | None:
        return self._bench.view_box_px0()

    def _on_settled(self) -> None:
        """Compute what is in view first."""
        view = None if self._bench.closed else self._bench.view_box_px0()
        if self._panel.is_on and view is not None:
            self._bench.worker.look_at(view)


def _maps(
    choice: ClassMapChoice,
    chosen: Path | None,
    view_px0: Box | None,
    slide: Slide,
    folder: Path,
) -> RunPlan:
    """Do the slow part, in a thread: tissue, hash of the weights, plan."""
    choice.weights = weights_file(chosen, "classifier")
    tissue = saved_or_found(slide, folder)
    return resolve_class_maps(choice, gather(choice, slide, tissue, view_px0=view_px0))


def _segmentation(
    choice: SegmentationChoice,
    chosen: Path | None,
    view_px0: Box | None,
    slide: Slide,
    folder: Path,
) -> RunPlan:
    choice.weights = weights_file(chosen, "segmenter")
    # another epsilon is another result, and the name says which
    gate = f"epsilon {choice.epsilon:g}" if choice.gate else "no gate"
    choice.name = f"segmentation {choice.weights.stem}, {gate}"
    tissue = saved_or_found(slide, folder)
    return resolve_segmentation(
        choice, gather(choice, slide, tissue, view_px0=view_px0)
    )
