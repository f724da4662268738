"""The tile under the cursor on the page: a button, numbers, what dropout hides."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject

from napari_histossl.models.recipe import recipe
from napari_histossl.panels.class_maps import ClassMapChoice
from napari_histossl.widgets import _weak_texts as texts
from napari_histossl.widgets._form import button
from napari_histossl.widgets._weak_legend import AFTER, HERE, ClassLegend
from napari_histossl.widgets._weak_sliders import ClassSliders
from napari_histossl.widgets._weak_tile import TileUnderCursor
from napari_histossl.widgets._workbench import Workbench


class FollowCursor(QObject):
    """Shows what the classifier tells of the tile under the cursor, as sliders say.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    choice : callable
        Returns what is chosen on the page.
    legend : ClassLegend
        Has the numbers.
    sliders : ClassSliders
        Say which classes are absent and what is hidden.
    say : callable
        Shows a sentence.
    """

    def __init__(
        self,
        bench: Workbench,
        choice: Callable[[], ClassMapChoice],
        legend: ClassLegend,
        sliders: ClassSliders,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(bench)
        self._legend, self._sliders, self._say = legend, sliders, say
        self.button = button("Follow the cursor", self._toggle, texts.FOLLOW)
        self.button.setCheckable(True)
        self.tile = TileUnderCursor(bench, choice)
        self.tile.told.connect(self.show)
        self.tile.said.connect(say)
        self.tile.ended.connect(lambda: self.button.setChecked(False))
        sliders.moved.connect(self.show)

    def show(self) -> None:
        """Show numbers and picture of the tile, if there is one."""
        tile, plan = self.tile.tile, self.tile.plan
        if tile is None or plan is None:
            self._legend.set_numbers(HERE, None)
            self._legend.set_numbers(AFTER, None)
            return
        classes, mu = plan.spec.classes, self._sliders.hidden_from
        assert classes is not None
        self._legend.set_classes(classes)
        self._legend.show()
        told, epsilon = tile.probabilities, self._sliders.absent_to
        divisor = recipe(dict(plan.options)["recipe"]).attention_divisor
        after = tile.probabilities_after(mu, divisor)
        self._legend.set_numbers(HERE, told.tolist(), (told <= epsilon).tolist())
        self._legend.set_numbers(AFTER, after.tolist())
        info = list(classes)[self._legend.place]
        self.tile.show(info, self._legend.place, mu)
        self._say(texts.HIDES.format(info.name, mu))

    def _toggle(self) -> None:
        if self.button.isChecked():
            self.tile.start()
        else:
            self.tile.end()
