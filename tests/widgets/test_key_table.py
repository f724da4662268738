"""The list of keys, and that it is true."""

from __future__ import annotations

import pytest
from conftest_gui import PATIENCE_MS, settle

from napari_histossl.widgets._key_table import HELP, TABLE

pytestmark = pytest.mark.gui


def names():
    return [key.name for _title, keys in TABLE for key in keys if key.name]


def test_no_key_means_two_things():
    assert len(set(names())) == len(names())


def test_what_is_listed_is_bound_and_what_is_bound_is_listed(overlays_page, tiny_tiff):
    from napari.utils.key_bindings import coerce_keybinding

    viewer, dock, _page = overlays_page
    dock.bench.open_path(tiny_tiff)
    bound = {str(key) for key in dock.bench.shown.layer.keymap}
    listed = {str(coerce_keybinding(name)) for name in names()}
    assert bound <= listed
    on_masks = {"P", "E", "Z", "3", "O", "F", "U", "W", "A", "L", "B"}
    on_masks |= {"[", "]", "Space", "N", "Shift+N", "Enter", "Backspace"}
    while_pointing = {"Escape"}
    assert listed - bound <= on_masks | while_pointing
    assert viewer.keymap == {}, "no key is taken from the whole window"


def test_the_list_opens_over_canvas_and_pages_and_by_its_button(
    overlays_page, tiny_tiff, qtbot
):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QLabel

    viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    canvas = viewer.window._qt_viewer.canvas.native
    for widget in (canvas, page):
        QTest.keyClick(widget, Qt.Key.Key_Question, Qt.KeyboardModifier.ShiftModifier)
        qtbot.waitUntil(dock.keys.isVisible, timeout=PATIENCE_MS)
        dock.keys.hide()
        settle(0.1)
    qtbot.mouseClick(dock._tabs.cornerWidget(), Qt.MouseButton.LeftButton)
    assert dock.keys.isVisible()
    (text,) = dock.keys.findChildren(QLabel)
    for _title, keys in TABLE:
        for key in keys:
            assert key.what in text.text()
    QTest.keyClick(dock.keys, Qt.Key.Key_Escape)
    assert not dock.keys.isVisible()


def test_a_question_mark_in_a_field_is_text(overlays_page, tiny_tiff, qtbot):
    _viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    qtbot.keyClicks(page.runs.form._name, HELP.name)
    assert page.runs.form._name.text() == HELP.name
    assert not dock.keys.isVisible()
