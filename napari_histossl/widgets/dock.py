"""The dock *HistoSSL*: its pages over one workbench."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QTabWidget, QToolButton, QVBoxLayout, QWidget

from napari_histossl.widgets._form import scrolled
from napari_histossl.widgets._key_table import HELP
from napari_histossl.widgets._keys import LayerKeys, bind_on_page
from napari_histossl.widgets._keys_dialog import KeysDialog
from napari_histossl.widgets._weak_group import WeakGroup
from napari_histossl.widgets._workbench import Workbench
from napari_histossl.widgets.correct_page import CorrectPage
from napari_histossl.widgets.learn_page import LearnPage
from napari_histossl.widgets.overlays_page import OverlaysPage
from napari_histossl.widgets.slide_page import SlidePage
from napari_histossl.widgets.study_page import make_study_page

PAGES: dict[str, Callable[[Workbench], QWidget]] = {
    "Slide": SlidePage,
    "Overlays": OverlaysPage,
    "Correct": CorrectPage,
    "Learn": LearnPage,
    "Study": lambda bench: make_study_page(bench.viewer),
}
"""Pages by the name on their tab, in the order in which a day uses them."""


class Dock(QWidget):
    """Some or all pages for a viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer beside which the dock stands.
    pages : tuple of str
        Names of `PAGES`.
    workspace : Path, optional
        Folder for results; beside the slide where None.
    """

    def __init__(
        self,
        viewer: Any,
        pages: tuple[str, ...] = tuple(PAGES),
        workspace: Path | None = None,
    ) -> None:
        super().__init__()
        self.bench = Workbench(viewer, workspace)
        self.pages = {name: PAGES[name](self.bench) for name in pages}
        self._share_worklist()
        self._share_masks()
        self._tabs = QTabWidget()
        for name, page in self.pages.items():
            self._tabs.addTab(scrolled(page), name)
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setVisible(len(pages) > 1)
        self._offer_keys()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._tabs)
        self.setMinimumWidth(360)
        bench = self.bench
        self.destroyed.connect(lambda: bench.close())

    def _share_worklist(self) -> None:
        """Let the Overlays page run and search on the list of the Slide page."""
        slide, overlays = self.pages.get("Slide"), self.pages.get("Overlays")
        if isinstance(slide, SlidePage) and isinstance(overlays, OverlaysPage):
            panel = slide.worklist
            overlays.follow_worklist(lambda: panel.worklist, panel.open)

    def _share_masks(self) -> None:
        """Let masks that other pages make be corrected at once."""
        correct = self.pages.get("Correct")
        if not isinstance(correct, CorrectPage):
            return

        def take(path: Path) -> None:
            correct.open_mask(path)
            self.show_page("Correct")

        for page in self.pages.values():
            groups = page.groups.values() if isinstance(page, OverlaysPage) else (page,)
            for group in groups:
                if isinstance(group, WeakGroup | LearnPage):
                    group.mask_made.connect(take)

    def _offer_keys(self) -> None:
        """List the keys on a key and on a button beside the tabs."""
        self.keys = KeysDialog(self)
        made = QToolButton()
        made.setText(HELP.name)
        made.setToolTip("Keys")
        made.setAutoRaise(True)
        made.clicked.connect(lambda _checked=False: self.keys.toggle())
        self._tabs.setCornerWidget(made)
        actions = {HELP.name: self.keys.toggle}
        bind_on_page(self, actions)
        LayerKeys(self.bench, actions)

    def show_page(self, name: str) -> None:
        """Bring a page to the front."""
        self._tabs.setCurrentIndex(list(self.pages).index(name))

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the run and let go of files when the dock is closed."""
        self.bench.close()
        super().closeEvent(event)
