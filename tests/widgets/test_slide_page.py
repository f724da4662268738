"""The Slide page in a real window: where one is, turning, measuring, colours, lists."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from conftest_gui import PATIENCE_MS, settle, world_to_canvas

sys.path.insert(0, str(Path(__file__).parents[1] / "slide"))
from icc_for_tests import write_profile

from napari_histossl.geometry import Box
from napari_histossl.slide import ArraySlide
from napari_histossl.slide.color import ColourManagedSlide

pytestmark = pytest.mark.gui

KEY = "histossl"


@pytest.fixture
def window(make_napari_viewer, tmp_path):
    from napari_histossl.widgets.dock import Dock

    viewer = make_napari_viewer(show=True)
    dock = Dock(viewer, workspace=tmp_path / "results")
    viewer.window.add_dock_widget(dock, name="HistoSSL", area="right")
    viewer.window.resize(1100, 900)
    yield viewer, dock
    dock.bench.close()


@pytest.fixture
def opened(window, tiny_tiff):
    """The drawn slide, 700 x 900 px at 0.5 um, wholly in view."""
    viewer, dock = window
    dock.bench.open_path(tiny_tiff)
    settle(0.4)
    viewer.reset_view()
    settle(0.4)
    return viewer, dock, dock.pages["Slide"]


def write_scan(path: Path, picture: np.ndarray, **options) -> Path:
    options = {"tile": (128, 128), "photometric": "rgb", **options}
    scale = {"resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, picture, metadata=None, **scale, **options)
    return path


def press(viewer, key: str) -> None:
    """Press a key while the canvas has the focus."""
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    names = {",": Qt.Key.Key_Comma, ".": Qt.Key.Key_Period}
    QTest.keyClick(canvas, names.get(key) or getattr(Qt.Key, f"Key_{key}"))
    settle(0.2)


def click(widget) -> None:
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
    settle(0.2)


def find_button(page, text: str):
    from qtpy.QtWidgets import QPushButton

    return next(b for b in page.findChildren(QPushButton) if text in b.text())


def canvas_colour(viewer, world_yx) -> np.ndarray:
    """What is drawn at a world point."""
    picture = viewer.screenshot(canvas_only=True, flash=False)
    at = world_to_canvas(viewer, world_yx)
    return picture[at.y(), at.x(), :3].astype(int)


# ---- Overview ----


def test_the_overview_shows_the_slide_and_follows_the_view(opened, qtbot):
    viewer, dock, page = opened
    overview = page.overview
    qtbot.waitUntil(lambda: overview.picture is not None, timeout=PATIENCE_MS)
    assert overview.picture.shape == (350, 450, 3)
    slide = overview.slide_rect()
    assert slide.width() / slide.height() == pytest.approx(9 / 7, rel=1e-6)
    camera = viewer.scene.camera
    camera.zoom, camera.center = 8.0, (0, 175 - 0.25, 225 - 0.25)
    view = overview.view_rect()
    assert view.center().x() == pytest.approx(slide.center().x(), abs=0.01)
    assert view.center().y() == pytest.approx(slide.center().y(), abs=0.01)
    scale = slide.width() / 450
    assert view.width() == pytest.approx(viewer.canvas.size[1] / 8 * scale, rel=1e-6)
    camera.center = (0, 87.5, 112.5)
    moved = overview.view_rect()
    assert moved.center().x() - view.center().x() == pytest.approx(-112.25 * scale)
    dock.bench.rotation.turn(1)
    turned = overview.slide_rect()
    assert turned.width() / turned.height() == pytest.approx(7 / 9, rel=1e-6)


def test_click_and_drag_in_the_overview_move_the_view(opened, qtbot):
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    viewer, dock, page = opened
    overview, camera = page.overview, viewer.scene.camera
    camera.zoom = 10.0
    rect = overview.slide_rect()
    quarter = QPoint(
        round(rect.left() + rect.width() / 4), round(rect.top() + rect.height() / 4)
    )
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(overview, left, pos=quarter)
    per_pixel = 450 / rect.width()
    assert camera.center[-2] == pytest.approx(87.5, abs=per_pixel)
    assert camera.center[-1] == pytest.approx(112.5, abs=per_pixel)
    QTest.mouseMove(overview, quarter + QPoint(30, 10))
    settle(0.1)
    assert camera.center[-1] == pytest.approx(112.5 + 30 * per_pixel, abs=per_pixel)
    QTest.mouseRelease(overview, left, pos=QPoint(2000, 2000))
    far = QPoint(overview.width() - 1, overview.height() - 1)
    QTest.mouseClick(overview, left, pos=far)
    view = dock.bench.view_box_px0()
    assert view is not None, "the view left the slide"


def test_an_unreadable_overview_is_said(window, tissue_picture, qtbot):
    class Broken(ArraySlide):
        def _read_inside(self, box, level):
            from napari_histossl.errors import SlideReadError

            raise SlideReadError("no")

    _viewer, dock = window
    overview = dock.pages["Slide"].overview
    dock.bench.add_slide(ArraySlide(tissue_picture, mpp_yx=(0.5, 0.5), name="drawn"))
    broken = Broken(tissue_picture, mpp_yx=(0.5, 0.5), name="drawn")
    dock.bench.shown.layer.metadata[KEY]["tiles"] = broken
    overview.read()
    qtbot.waitUntil(lambda: "cannot be read" in overview.problem, timeout=PATIENCE_MS)
    assert overview.picture is None


# ---- Rotation ----


def marked(tissue_picture) -> np.ndarray:
    """The picture with a blue block, so that it looks different from every side."""
    picture = tissue_picture.copy()
    picture[40:140, 60:260] = (10, 20, 250)
    return picture


def test_turning_turns_the_picture_to_the_right(window, tissue_picture):
    viewer, dock = window
    layer = dock.bench.add_slide(
        ArraySlide(marked(tissue_picture), mpp_yx=(0.5, 0.5), name="marked")
    )
    viewer.reset_view()
    settle(0.6)
    blue = np.array([10, 20, 250])
    at_px0 = np.array([90.0, 160.0])  # middle of the block, as an index
    for _turn in range(4):
        seen = canvas_colour(viewer, layer.data_to_world(at_px0))
        assert np.abs(seen - blue).max() < 12
        press(viewer, ".")
        settle(0.4)
    assert dock.bench.rotation.quarter_turns == 0
    press(viewer, ".")
    # upper left goes to the upper right
    y, x = np.subtract(layer.data_to_world(at_px0), dock.bench.shown.centre_world)
    assert y < 0 < x
    press(viewer, ",")
    press(viewer, ",")
    assert dock.bench.rotation.quarter_turns == 3


def test_everything_on_the_slide_turns_with_it(opened, qtbot):
    from napari.layers import Points

    viewer, dock, page = opened
    dock.bench.rotation.turn(1)
    page.measurements.take("ruler")
    page.find_tissue()
    qtbot.waitUntil(lambda: not dock.bench.worker.is_running, timeout=PATIENCE_MS)
    viewer.add_layer(Points([[0, 0]], name="a stranger"))
    slide, tissue = dock.bench.shown.layer, viewer.layers["tissue"]
    measurements = viewer.layers["measurements"]
    for turn in (1, 1, -2):
        assert not np.allclose(np.asarray(slide.affine), np.eye(3))
        for layer in (tissue, measurements):
            np.testing.assert_allclose(
                np.asarray(layer.affine), np.asarray(slide.affine)
            )
        dock.bench.rotation.turn(turn)
    np.testing.assert_allclose(
        np.asarray(viewer.layers["a stranger"].affine), np.eye(3)
    )


def test_an_overlay_with_heads_keeps_its_slider(opened, tmp_path):
    from napari.layers import Image

    viewer, dock, _page = opened
    dock.bench.rotation.turn(-1)
    source = dock.bench.shown.source
    heads = Image(
        np.zeros((4, 70, 90)),
        scale=(1, 5, 5),
        metadata={KEY: {"kind": "overlay", "source": source}},
    )
    viewer.add_layer(heads)
    corner = np.asarray(heads.data_to_world((2, 0, 0)))
    on_slide = np.asarray(dock.bench.shown.layer.data_to_world((0, 0)))
    assert corner[0] == 2
    np.testing.assert_allclose(corner[1:], on_slide)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_view_box_is_right_however_the_slide_is_turned(opened, turns):
    viewer, dock, _page = opened
    bench, camera = dock.bench, viewer.scene.camera
    bench.rotation.turn(turns)
    layer = bench.shown.layer
    camera.zoom = 12.0
    centre_px0 = np.array([300.0, 500.0])
    camera.center = (0, *layer.data_to_world(centre_px0))
    height, width = np.array(viewer.canvas.size) / 12.0 / 0.5
    if turns % 2:
        height, width = width, height
    box = bench.view_box_px0()
    middle = (box.y + box.height / 2, box.x + box.width / 2)
    np.testing.assert_allclose(middle, centre_px0 + 0.5, atol=1)
    assert box.height == pytest.approx(height, abs=2)
    assert box.width == pytest.approx(width, abs=2)


def test_what_is_in_the_middle_stays_there(opened):
    viewer, dock, _page = opened
    bench, camera = dock.bench, viewer.scene.camera
    camera.zoom, camera.center = 12.0, (0, 60.0, 333.0)
    before = bench.shown.px0(camera.center)
    bench.rotation.turn(1)
    np.testing.assert_allclose(bench.shown.px0(camera.center), before, atol=1e-6)


def test_painting_on_a_turned_slide_hits_what_is_under_the_brush(opened, drag, qtbot):
    viewer, dock, _page = opened
    page = dock.pages["Correct"]
    page.create_mask()
    qtbot.waitUntil(lambda: page.session is not None, timeout=PATIENCE_MS)
    dock.bench.rotation.turn(1)
    layer = page.session.layer
    viewer.scene.camera.zoom = 2.0  # the brush follows it
    layer.mode, layer.brush_size, layer.selected_label = "paint", 10, 1
    viewer.layers.selection.active = layer
    settle(0.5)
    slide = dock.bench.shown.layer
    stops = [slide.data_to_world(at) for at in ((300, 400), (300, 480))]
    drag(viewer, stops)
    painted = np.argwhere(page.session.store.read(Box(0, 0, *page.session.shape), 0))
    pixel = 700 / page.session.shape[0]
    low, high = painted.min(0) * pixel, (painted.max(0) + 1) * pixel
    slack = 10 * pixel / 2 + 4
    np.testing.assert_allclose(low + (high - low) / 2, (300, 440), atol=slack)
    assert high[1] - low[1] == pytest.approx(80 + 10 * pixel, abs=slack)
    page.close_mask()


def test_a_comma_in_a_number_stays_a_comma(window, tissue_picture):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    _viewer, dock = window
    page = dock.pages["Slide"]
    dock.bench.add_slide(ArraySlide(tissue_picture, mpp_yx=None, name="no scale"))
    settle(0.2)
    page._mpp.setFocus()
    QTest.keyClick(page._mpp, Qt.Key.Key_Period)
    settle(0.1)
    assert dock.bench.rotation.quarter_turns == 0
    find_button(page, "Turn left").setFocus()
    QTest.keyClick(find_button(page, "Turn left"), Qt.Key.Key_Comma)
    settle(0.1)
    assert dock.bench.rotation.quarter_turns == 3


# ---- Measuring ----


def test_the_ruler_tells_micrometres_while_it_is_drawn(opened, drag):
    viewer, dock, page = opened
    dock.bench.rotation.turn(1)
    click(page._tools["ruler"])
    told = []
    page.measurements.changed.connect(
        lambda: told.append(page.measurements.texts()[-1:])
    )
    viewer.scene.camera.zoom = 2.0
    settle(0.2)
    centre = np.asarray(viewer.scene.camera.center[-2:])
    half = np.array([20.0, 40.0])
    drag(viewer, [centre - half, centre + half])
    lengths = [float(text[0].split()[0]) for text in told if text and text[0]]
    assert len(set(lengths)) >= 4, "nothing was told while drawing"
    assert lengths == sorted(lengths)
    (line,) = viewer.layers["measurements"].data
    assert lengths[-1] == pytest.approx(np.hypot(40, 80), abs=1.5)
    assert np.hypot(*(line[1] - line[0])) == pytest.approx(np.hypot(40, 80), abs=1.5)
    assert page._sizes.text() == f"Latest: {page.measurements.texts()[0]}"
    assert page._tools["ruler"].isChecked()
    click(page._tools["ruler"])
    assert viewer.layers.selection.active is dock.bench.shown.layer
    click(page._clear)
    assert "measurements" not in viewer.layers


def test_an_area_is_told_corner_by_corner(opened):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    viewer, _dock, page = opened
    click(page._tools["area"])
    viewer.scene.camera.zoom = 2.0
    settle(0.2)
    canvas = viewer.window._qt_viewer.canvas.native
    centre = np.asarray(viewer.scene.camera.center[-2:])
    corners = [(-30, -50), (-30, 50), (30, 50), (30, -50)]
    for corner in corners:
        at = world_to_canvas(viewer, np.add(centre, corner))
        QTest.mouseMove(canvas, at)
        settle(0.1)
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=at)
        settle(0.1)
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=at)
    settle(0.3)
    (text,) = page.measurements.texts()
    value, unit = text.split()
    assert unit == "µm²"
    assert float(value.replace(",", "")) == pytest.approx(6000, rel=0.03)


def test_without_a_scale_lengths_are_in_pixels(window, tissue_picture, drag):
    viewer, dock = window
    page = dock.pages["Slide"]
    dock.bench.add_slide(ArraySlide(tissue_picture, mpp_yx=None, name="no scale"))
    viewer.reset_view()
    click(page._tools["ruler"])
    viewer.scene.camera.zoom = 1.0
    settle(0.2)
    centre, half = np.asarray(viewer.scene.camera.center[-2:]), np.array([0, 100])
    drag(viewer, [centre - half, centre + half])
    (text,) = page.measurements.texts()
    assert text == "200 px"
    assert "Magnification unknown" in page._power.text()


# ---- Status bar ----


class CountingSlide(ArraySlide):
    """Notes in which thread it is read."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.threads = []

    def _read_inside(self, box, level):
        self.threads.append(threading.current_thread())
        return super()._read_inside(box, level)


def test_position_and_raw_colour_without_reading_in_the_window(
    opened, tissue_picture, qtbot
):
    from qtpy.QtTest import QTest

    viewer, dock, page = opened
    slide = CountingSlide(tissue_picture, mpp_yx=(0.5, 0.5), name="drawn")
    dock.bench.shown.slide = slide
    dock.bench.rotation.turn(1)
    canvas = viewer.window._qt_viewer.canvas.native
    layer = dock.bench.shown.layer
    viewer.scene.camera.zoom = 20.0  # ten pixels of the screen for one of the slide
    viewer.scene.camera.center = (0, *layer.data_to_world((350, 450)))
    settle(0.3)
    label = page.cursor.label
    for at_px0 in ((350.0, 450.0), (352.0, 451.0), (340.0, 440.0)):
        settle(0.2)
        QTest.mouseMove(canvas, world_to_canvas(viewer, layer.data_to_world(at_px0)))
        row, column = (int(value) for value in at_px0)
        red, green, blue = tissue_picture[row, column]
        expected = f"pixel {column}, {row}   RGB {red} {green} {blue}"
        qtbot.waitUntil(lambda text=expected: text in label.text(), timeout=PATIENCE_MS)
    assert label.isVisible()
    assert label.text().startswith("x 220.")
    assert len(slide.threads) == 1, "what was read once is kept"
    assert threading.main_thread() not in slide.threads
    viewer.scene.camera.center = (0, *layer.data_to_world((700, 450)))
    settle(0.2)
    QTest.mouseMove(canvas, world_to_canvas(viewer, layer.data_to_world((705, 450))))
    qtbot.waitUntil(lambda: not label.text(), timeout=PATIENCE_MS)


# ---- Private pictures ----


class LabelledSlide(ArraySlide):
    associated = ("label", "macro", "thumbnail")

    def read_associated(self, name):
        return np.full((60, 90 if name == "macro" else 60, 3), 200, np.uint8)


def test_label_and_macro_are_hidden_until_asked_for(opened, tissue_picture, qtbot):
    from qtpy.QtWidgets import QLabel

    _viewer, dock, page = opened
    assert not page.pictures.isVisible()  # this slide has none
    slide = LabelledSlide(tissue_picture, mpp_yx=(0.5, 0.5), name="drawn")
    dock.bench.shown.slide = slide
    page.refresh()

    def pictures():
        labels = page.pictures.findChildren(QLabel)
        return [label for label in labels if not label.pixmap().isNull()]

    settle(0.3)
    assert pictures() == []
    click(find_button(page.pictures, "Show label and macro"))
    qtbot.waitUntil(lambda: len(pictures()) == 2, timeout=PATIENCE_MS)
    click(find_button(page.pictures, "Hide label and macro"))
    qtbot.waitUntil(lambda: pictures() == [], timeout=PATIENCE_MS)
    dock.bench.call_slide("Slide 1")
    assert not find_button(page.pictures, "Show").isEnabled()


# ---- Colours ----


@pytest.fixture
def scanned(window, tmp_path, tissue_picture):
    path = write_scan(
        tmp_path / "scan.tif", tissue_picture, iccprofile=write_profile(gamma=1.2)
    )
    viewer, dock = window
    dock.bench.open_path(path)
    viewer.reset_view()
    settle(0.5)
    return viewer, dock, dock.pages["Slide"]


def test_the_profile_is_shown_applied_and_can_be_left_out(scanned, tissue_picture):
    viewer, dock, page = scanned
    dock.show_page("Slide")
    settle(0.2)
    assert page._colours.text() == "Colour profile: Drawn scanner"
    assert page._use_profile.isVisible()
    assert page._use_profile.isChecked()
    glass, layer = (20.0, 20.0), dock.bench.shown.layer
    viewer.scene.camera.center = (0, *layer.data_to_world(glass))
    settle(0.6)
    raw = tissue_picture[15:26, 15:26].reshape(-1, 3).mean(0)
    managed = canvas_colour(viewer, layer.data_to_world(glass))
    assert managed.mean() > raw.mean() + 2
    expected = dock.bench.shown.layer.metadata[KEY]["tiles"].transform(
        tissue_picture[15:26, 15:26]
    )
    assert np.abs(managed - expected.reshape(-1, 3).mean(0)).max() < 12
    page._use_profile.click()
    settle(0.6)
    shown = dock.bench.shown
    assert shown.layer is not layer
    assert shown.layer.name == "scan.tif"
    assert len(viewer.layers) == 1
    np.testing.assert_array_equal(
        np.asarray(shown.layer.data[0][300:310, 400:410]),
        tissue_picture[300:310, 400:410],
    )
    scanned_colour = canvas_colour(viewer, shown.layer.data_to_world(glass))
    assert np.abs(scanned_colour - raw).max() < 14
    page._use_profile.click()
    assert isinstance(dock.bench.shown.layer.metadata[KEY]["tiles"], ColourManagedSlide)


def test_another_look_changes_nothing_but_the_look(scanned, tissue_picture, qtbot):
    viewer, dock, page = scanned
    correct = dock.pages["Correct"]
    correct.create_mask()
    qtbot.waitUntil(lambda: correct.session is not None, timeout=PATIENCE_MS)
    dock.bench.rotation.turn(1)
    session, camera = correct.session, viewer.scene.camera
    seen = (tuple(camera.center), camera.zoom)
    page._use_profile.click()
    settle(0.3)
    assert correct.session is session, "the mask was closed"
    assert dock.bench.rotation.quarter_turns == 1
    assert (tuple(camera.center), camera.zoom) == seen
    assert viewer.layers.index(dock.bench.shown.layer) == 0
    box = Box(300, 400, 8, 8)
    for slide in (dock.bench.shown.slide, dock.bench.shown.source.open()):
        np.testing.assert_array_equal(slide.read(box, 0), tissue_picture[box.slices])
    correct.close_mask()


def test_a_slide_without_a_profile_says_so(opened):
    _viewer, _dock, page = opened
    assert page._colours.text() == "No colour profile; colours as scanned."
    assert not page._use_profile.isVisible()


# ---- Worklist ----


@pytest.fixture
def folder(tmp_path, tissue_picture):
    folder = tmp_path / "Schmidt"
    folder.mkdir()
    for name in ("Huber-1.tif", "Meier-2.tif", "Weber-3.tif"):
        write_scan(folder / name, tissue_picture)
    (folder / "Kaputt-2.svs").write_bytes(b"II*\0 nothing of the kind")
    return folder


def names(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


def test_going_through_a_folder_by_keys(window, folder, qtbot):
    viewer, dock = window
    panel = dock.pages["Slide"].worklist
    panel.open_folder(folder)
    settle(0.5)
    qtbot.waitUntil(
        lambda: "1 cannot be opened" in panel._sentence.text(), timeout=PATIENCE_MS
    )
    assert names(viewer) == ["Huber-1.tif"]
    dock.bench.rotation.turn(1)
    dock.pages["Slide"].measurements.take("ruler")
    press(viewer, "PageDown")
    assert names(viewer) == ["Meier-2.tif"], "the bad file was not skipped"
    assert dock.bench.rotation.quarter_turns == 0
    press(viewer, "PageDown")
    assert names(viewer) == ["Weber-3.tif"]
    assert not panel._next.isEnabled()
    press(viewer, "PageDown")
    assert names(viewer) == ["Weber-3.tif"]
    click(panel._previous)
    click(panel._previous)
    assert names(viewer) == ["Huber-1.tif"]
    item = next(
        panel._list.item(i)
        for i in range(panel._list.count())
        if "Kaputt" in panel._list.item(i).text()
    )
    assert "cannot be opened" in item.text()
    assert "Kaputt-2.svs" in item.toolTip()


def test_a_file_that_went_bad_is_skipped_at_once(window, folder):
    viewer, dock = window
    panel = dock.pages["Slide"].worklist
    panel.open_folder(folder)
    settle(0.5)
    (folder / "Meier-2.tif").unlink()
    panel.step(1)
    assert names(viewer) == ["Weber-3.tif"]


def everything_that_can_be_read(viewer, dock) -> str:
    """All texts, tool tips and titles of the window."""
    from qtpy.QtWidgets import QListWidget, QWidget

    main = dock
    while main.parentWidget() is not None:
        main = main.parentWidget()
    texts = [viewer.title, *names(viewer), str(viewer.status)]
    for widget in (main, *main.findChildren(QWidget)):
        for get in ("text", "toolTip", "windowTitle", "statusTip", "title"):
            value = getattr(widget, get, None)
            if callable(value):
                texts.append(str(value()))
        if isinstance(widget, QListWidget):
            items = [widget.item(i) for i in range(widget.count())]
            texts += [item.text() + item.toolTip() for item in items]
    model = viewer.window._qt_viewer.layers.model()
    rows = [model.index(row, 0) for row in range(model.rowCount())]
    texts += [str(index.data(role)) for index in rows for role in (0, 3)]
    return "\n".join(texts)


def test_masked_names_are_nowhere_to_be_read(window, folder, qtbot):
    viewer, dock = window
    page = dock.pages["Slide"]
    panel = page.worklist
    panel._mask.click()
    panel.open_folder(folder)
    settle(0.5)
    qtbot.waitUntil(
        lambda: "1 cannot be opened" in panel._sentence.text(), timeout=PATIENCE_MS
    )
    for _step in range(3):
        text = everything_that_can_be_read(viewer, dock)
        for name in ("Huber", "Meier", "Weber", "Kaputt", "Schmidt"):
            assert name not in text
        assert names(viewer)[0].startswith("Slide ")
        assert dock.bench.shown.source.path.parent == folder
        panel.step(1)
        settle(0.2)
    page._use_mpp()  # the layer is made anew
    assert names(viewer)[0].startswith("Slide ")
    path = dock.bench.shown.source.path
    panel._mask.click()
    assert names(viewer) == [path.name]
    assert path.name in everything_that_can_be_read(viewer, dock)
    panel._mask.click()
    assert names(viewer)[0].startswith("Slide ")
    assert path.name not in everything_that_can_be_read(viewer, dock)


def test_the_slide_is_not_changed_under_a_run(window, folder):
    viewer, dock = window
    panel = dock.pages["Slide"].worklist
    panel.open_folder(folder)
    settle(0.3)
    dock.pages["Slide"].find_tissue()
    panel.step(1)
    assert names(viewer) == ["Huber-1.tif"]
    dock.bench.stop()
    panel.step(1)
    assert names(viewer) == ["Meier-2.tif"]


# ---- The window around it ----


def test_the_scale_bar_is_in_micrometres_and_can_be_hidden(opened):
    viewer, _dock, page = opened
    bar = viewer.canvas.overlays.scale_bar
    assert bar.visible
    assert str(viewer.layers[0].units[0]) == "micrometer"
    page._scale_bar.click()
    assert not bar.visible
    bar.visible = True
    assert page._scale_bar.isChecked()


def test_entering_the_pixel_size_keeps_the_turn(window, tmp_path, tissue_picture):
    viewer, dock = window
    path = tmp_path / "no scale.tif"
    tifffile.imwrite(path, tissue_picture, tile=(128, 128), photometric="rgb")
    dock.bench.open_path(path)
    dock.bench.rotation.turn(1)
    dock.pages["Slide"]._use_mpp()
    assert dock.bench.rotation.quarter_turns == 1
    centre = np.asarray(viewer.scene.camera.center[-2:])
    np.testing.assert_allclose(centre, dock.bench.shown.centre_world, atol=1)


def test_closing_the_dock_cleans_the_status_bar(opened):
    viewer, dock, page = opened
    label = page.cursor.label
    assert label.isVisible()
    dock.close()
    assert label.parentWidget() is None
    assert not any("CursorReadout" in str(call) for call in viewer.mouse_move_callbacks)
    viewer.scene.camera.zoom = 3.0  # nothing of the page is in the way
    press(viewer, ".")
    assert np.allclose(np.asarray(viewer.layers[0].affine), np.eye(3))


_ON_A_FINE_SCREEN = """
import napari, numpy as np, sys, time
from pathlib import Path
from napari_histossl.panels.slide import magnification_zoom
from napari_histossl.slide import ArraySlide
from napari_histossl.widgets._workbench import Workbench
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
viewer.window.resize(760, 560)
picture = np.full((600, 600, 3), 240, np.uint8)
picture[280:320, 260:340] = (200, 30, 30)
bench = Workbench(viewer, Path(sys.argv[1]))
bench.add_slide(ArraySlide(picture, mpp_yx=(0.5, 0.5), name="drawn"))
viewer.scene.camera.zoom = magnification_zoom(20)
viewer.scene.camera.center = (0, 149.75, 149.75)
for _ in range(60):
    QApplication.processEvents(); time.sleep(0.01)
shot = viewer.screenshot(canvas_only=True, flash=False).astype(int)
red = shot[..., 0] - shot[..., 1] > 100
box, size = bench.view_box_px0(), viewer.canvas.size
print(red.any(0).sum(), red.any(1).sum(), box.width / size[1], flush=True)
bench.close()
viewer.close()
"""


def test_magnification_is_the_same_for_the_eye_on_a_fine_screen(tmp_path):
    import os
    import subprocess

    options = {"QT_SCALE_FACTOR": "2", "NAPARI_CONFIG": str(tmp_path / "napari.yaml")}
    done = subprocess.run(
        [sys.executable, "-c", _ON_A_FINE_SCREEN, str(tmp_path)],
        env={**os.environ, **options},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wide, high, px0_per_pixel = map(float, done.stdout.split()[-3:])
    # 40 x 20 um at 2 logical pixels a micrometre, each of 2 x 2 panel pixels
    assert wide == pytest.approx(160, abs=3)
    assert high == pytest.approx(80, abs=3)
    assert px0_per_pixel == pytest.approx(1, rel=0.02)
