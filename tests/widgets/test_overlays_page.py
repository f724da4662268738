"""The Overlays page in a real window: what is chosen, seen, held, saved."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS, settle, world_to_canvas
from overlays_for_tests import TOKEN_PX, TOKENS, known_values, press, write_overlay
from PIL import Image

from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.panels.overlay_colours import colour_table, paint
from napari_histossl.panels.overlay_facts import MEAN
from napari_histossl.resources import sample_file
from napari_histossl.store import Pyramid

pytestmark = pytest.mark.gui


@pytest.fixture
def shown(overlays_page, tiny_tiff, qtbot):
    """The page with a drawn overlay on a drawn slide, and its numbers."""
    viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    slide = dock.bench.shown
    path, values = write_overlay(slide.slide, slide.folder)
    page.overlay.show(path)
    page.shown.controls._clear.setChecked(False)
    page.overlay.layer.opacity = 1.0
    viewer.reset_view()
    wait_sharp(page, qtbot)
    return viewer, page, values


def wait_sharp(page, qtbot):
    def is_sharp():
        (drawing,) = page.bench.canvas.drawings(page.overlay.tiles)
        return drawing.is_sharp and drawing.is_resting

    settle(0.3)
    qtbot.waitUntil(is_sharp, timeout=PATIENCE_MS)
    settle(0.1)


def pixel_at(viewer, page, row, column):
    """Colour on the canvas in the middle of a token, 0 to 255."""
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    layer = page.overlay.layer
    point = world_to_canvas(viewer, layer.data_to_world((row, column)))
    native = viewer.window._qt_viewer.canvas.native
    return shot[
        round(point.y() * shot.shape[0] / native.height()),
        round(point.x() * shot.shape[1] / native.width()),
    ]


def colour_of(page, value):
    """Colour that the scale gives to a value, 0 to 255."""
    table = page.shown.controls.table()
    return paint(np.array([[value]]), table, page.overlay.limits)[0, 0, :3] * 255


PLACES = [(44, 20), (20, 90), (60, 57), (30, 40)]


# ---- Empty, and what is known before a run


def test_without_a_slide_nothing_can_be_run_or_saved(overlays_page):
    _viewer, _dock, page = overlays_page
    assert not page.runs.run_button.isEnabled()
    assert "No slide is open" in page.runs.cost.text()
    assert not page.figure._save.isEnabled()
    assert not page.shown.controls.isVisible()


def test_weights_are_listed_with_what_is_known(
    overlays_page, tiny_tiff, tmp_path, qtbot
):
    _viewer, dock, page = overlays_page
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("dino_sample", "simclr_sample"):
        shutil.copy(
            sample_file(f"{name}.safetensors"), folder / f"my {name}.safetensors"
        )
    dock.bench.open_path(tiny_tiff)
    form = page.runs.form
    form.weights.refresh()
    names = [form.weights._list.itemText(i) for i in range(form.weights._list.count())]
    assert names == [
        "Sample (DINO)",
        "my dino_sample",
        "my simclr_sample",
    ]
    qtbot.waitUntil(lambda: "8 heads" in form._about.text(), timeout=PATIENCE_MS)
    assert "0.5 µm per pixel" in form._about.text()
    assert form._block.count() == 4
    assert not form._model.isVisible(), "the file says its model"
    form.weights._list.setCurrentIndex(2)
    qtbot.waitUntil(
        lambda: "no attention" in page.runs.cost.text(), timeout=PATIENCE_MS
    )
    assert "no attention" in form._about.text()


def test_a_file_that_is_none_is_told(overlays_page, tiny_tiff, tmp_path, qtbot):
    _viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"nothing of the kind")
    page.runs.form.weights.choose(path)
    qtbot.waitUntil(lambda: "broken" in page.runs.cost.text(), timeout=PATIENCE_MS)
    assert not page.runs.run_button.isEnabled(), "there is no plan"


def test_the_cost_is_told_before_a_run(overlays_page, tiny_tiff, qtbot):
    _viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    cost = page.runs.cost
    qtbot.waitUntil(lambda: "tiles of 128 px" in cost.text(), timeout=PATIENCE_MS)
    for part in ("level 0", "0.5 µm per pixel", "MB"):
        assert part in cost.text()
    page.runs.form.choose_extent("region")
    qtbot.waitUntil(lambda: "draw one" in cost.text(), timeout=PATIENCE_MS)
    assert not page.runs.run_button.isEnabled()
    page.runs.form.choose_extent("list")
    qtbot.waitUntil(lambda: "No worklist is open" in cost.text(), timeout=PATIENCE_MS)
    assert not page.runs.run_button.isEnabled()
    page.runs.form.choose_extent("slide")
    qtbot.waitUntil(page.runs.run_button.isEnabled, timeout=PATIENCE_MS)


def test_names_of_masked_slides_are_never_shown(overlays_page, tmp_path, qtbot):
    _viewer, dock, page = overlays_page
    path = tmp_path / "Jane Doe.png"
    Image.fromarray(np.full((900, 900, 3), 244, np.uint8)).save(path)
    dock.bench.open_path(path, 0.5, alias="Slide 7")
    cost = page.runs.cost
    qtbot.waitUntil(lambda: "No tissue" in cost.text(), timeout=PATIENCE_MS)
    assert "Slide 7" in cost.text()
    assert "Jane" not in cost.text()


# ---- A region


def test_a_region_is_drawn_with_the_mouse(overlays_page, tiny_tiff, qtbot, drag):
    viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    viewer.reset_view()
    settle(0.3)
    page.runs.form.choose_extent("region")
    press(qtbot, page.runs.form.draw_button)
    assert page.region.is_drawing
    drag(viewer, [(100.0, 150.0), (200.0, 300.0)])
    settle(0.2)
    assert not page.region.is_drawing
    box = page.region.box_px0()
    pixel = 2 / viewer.scene.camera.zoom / 0.5  # of the screen, on the slide
    assert np.allclose((box.y, box.x), (200, 300), atol=pixel)
    assert np.allclose(box.shape, (200, 300), atol=2 * pixel)

    def is_small():  # at first the plan for the whole slide is there still
        plan = page.runs._planned and page.runs._planned.plan
        return plan is not None and 2 <= len(plan.tiles_ij) <= 12

    qtbot.waitUntil(is_small, timeout=PATIENCE_MS)
    assert "tiles of" in page.runs.cost.text()
    page.figure._draw.click()
    drag(viewer, [(20.0, 30.0), (90.0, 120.0)])
    settle(0.2)
    assert page.region.layer.nshapes == 1, "the newest one counts"
    assert page.region.box_px0().y < 60
    press(qtbot, page.figure._clear)
    assert page.region.box_px0() is None


# ---- Heads


def test_heads_are_shown_by_a_click_on_their_picture(shown, qtbot):
    viewer, page, values = shown
    pictures = page.shown.controls.pictures.buttons()
    assert sorted(pictures) == [MEAN, 0, 1, 2]
    assert page.overlay.layer.ndim == 2
    for head, plane in [*enumerate(values), (MEAN, values.mean(0))]:
        press(qtbot, pictures[head])
        assert page.overlay.head == head
        wait_sharp(page, qtbot)
        for row, column in PLACES:
            seen = pixel_at(viewer, page, row, column)
            assert np.abs(seen - colour_of(page, plane[row, column])).max() <= 4


def test_the_small_pictures_show_what_is_in_view(shown, qtbot):
    viewer, page, values = shown
    buttons = page.shown.controls.pictures.buttons()
    assert all(not button.icon().isNull() for button in buttons.values())

    def mean_of(head):
        image = buttons[head].icon().pixmap(64, 64).toImage()
        row = image.height() // 2
        columns = range(image.width())
        return np.mean([image.pixelColor(x, row).green() for x in columns])

    whole = mean_of(1)
    viewer.scene.camera.zoom *= 6
    viewer.scene.camera.center = (175, 430)  # the right end: head 1 is high there
    qtbot.waitUntil(lambda: mean_of(1) > whole + 30, timeout=PATIENCE_MS)
    assert values[1].max() > 0.9


def test_a_run_that_writes_is_seen_at_once(shown, qtbot):
    viewer, page, values = shown
    page.overlay.choose_head(0)
    page.overlay.follow(page.overlay.path)
    new = values[:, :48, :48].astype(np.float16)
    new[:] = 0.9
    with Pyramid.open(page.overlay.path, "r+") as pyramid:
        pyramid.write(Box(0, 0, 48, 48), new)
        pyramid.refresh()
    page.bench.worker.progressed.emit(Progress(1, 2, Box(0, 0, 48, 48)))
    wait_sharp(page, qtbot)
    seen = pixel_at(viewer, page, 20, 30)
    assert np.abs(seen - colour_of(page, 0.9)).max() <= 4
    seen = pixel_at(viewer, page, 60, 57)
    assert np.abs(seen - colour_of(page, values[0, 60, 57])).max() <= 4


def test_the_value_under_the_mouse_is_told(shown, qtbot):
    from qtpy.QtTest import QTest

    viewer, page, values = shown
    press(qtbot, page.shown.controls.pictures.buttons()[1])
    canvas = viewer.window._qt_viewer.canvas.native
    for row, column in PLACES[:2]:
        place = page.overlay.layer.data_to_world((row, column))
        QTest.mouseMove(canvas, world_to_canvas(viewer, place))
        words = f"head 1: {values[1, row, column]:.3g}"
        qtbot.waitUntil(
            lambda w=words: page.value.label.text() == w, timeout=PATIENCE_MS
        )


# ---- Thresholds, ranks, colours


def test_a_value_from_which_on_attention_is_shown(shown, qtbot):
    viewer, page, values = shown
    controls = page.shown.controls
    press(qtbot, controls.pictures.buttons()[0])
    controls._kept.setCurrentIndex(1)
    controls._level.setValue(500)
    wait_sharp(page, qtbot)
    cut = page.overlay.choice.least
    assert f"{cut:.3g}" in controls._level_text.text()
    (high, _), (low, _) = (60, 57), (20, 57)
    assert values[0, low, 57] < cut < values[0, high, 57]
    seen = pixel_at(viewer, page, high, 57)
    assert np.abs(seen - colour_of(page, values[0, high, 57])).max() <= 4
    through = pixel_at(viewer, page, low, 57)
    page.overlay.layer.visible = False
    settle(0.2)
    assert np.abs(through - pixel_at(viewer, page, low, 57)).max() <= 2


def test_the_share_of_attention_that_is_kept(shown, qtbot):
    from napari_histossl.overlays.threshold import mass_mask

    viewer, page, values = shown
    controls = page.shown.controls
    press(qtbot, controls.pictures.buttons()[1])
    controls._kept.setCurrentIndex(2)
    controls._level.setValue(300)
    settle(0.3)
    wait_sharp(page, qtbot)
    assert "30%" in controls._level_text.text().replace(" ", "")
    margins = [(0, -n % TOKENS) for n in values.shape[1:]]
    kept = mass_mask(np.pad(values[1], margins, constant_values=np.nan), TOKENS, 0.3)
    for row, column in [(40, 47), (40, 33), (70, 79), (70, 66)]:
        seen = pixel_at(viewer, page, row, column)
        is_shown = np.abs(seen - colour_of(page, values[1, row, column])).max() <= 4
        assert is_shown == kept[row, column], (row, column)


def test_ranks_have_a_scale_of_their_own(shown, qtbot):
    viewer, page, values = shown
    controls = page.shown.controls
    press(qtbot, controls.pictures.buttons()[0])
    controls._values.setCurrentIndex(1)
    qtbot.waitUntil(lambda: page.overlay.limits == (0, 100), timeout=PATIENCE_MS)
    wait_sharp(page, qtbot)
    assert controls.bar.texts == ("0", "100", "rank within a tile (%)")
    assert "Rank of the attention" in controls._meaning.text()
    last = pixel_at(viewer, page, 47, 40)  # the last row of a tile has the highest
    assert np.abs(last - colour_of(page, 100 - 50 / TOKENS)).max() <= 4
    controls._values.setCurrentIndex(0)
    qtbot.waitUntil(lambda: page.overlay.limits[1] < 2, timeout=PATIENCE_MS)
    wait_sharp(page, qtbot)
    seen = pixel_at(viewer, page, 47, 40)
    assert np.abs(seen - colour_of(page, values[0, 47, 40])).max() <= 4


def test_colours_and_opacity(shown, qtbot):
    viewer, page, values = shown
    controls = page.shown.controls
    controls._colours.setCurrentIndex(controls._colours.findData("magma"))
    settle(0.2)
    seen = pixel_at(viewer, page, 60, 57)
    wanted = paint(
        values[:1, 60, 57][None],
        colour_table("magma", clear=False),
        page.overlay.limits,
    )
    assert np.abs(seen - wanted[0, 0, :3] * 255).max() <= 4
    controls._opacity.setValue(0)
    settle(0.2)
    assert page.overlay.layer.opacity == 0
    assert np.abs(pixel_at(viewer, page, 60, 57) - seen).max() > 20


def test_what_was_chosen_stays_with_the_next_overlay(shown, qtbot):
    _viewer, page, values = shown
    controls = page.shown.controls
    controls._colours.setCurrentIndex(controls._colours.findData("red"))
    page.overlay.choose_head(2)
    slide = page.bench.shown
    path, _ = write_overlay(slide.slide, slide.folder, "another", values[:, ::-1])
    page.shown.refresh()
    page.shown.choose(path)
    assert page.overlay.path == path
    assert page.overlay.head == 2
    assert page.overlay.layer.colormap.name == "red, all over"
    assert len([one for one in page.bench.viewer.layers if one.ndim == 2]) >= 1
    press(qtbot, page.shown.take_off)
    assert page.overlay.layer is None
    assert not controls.isVisible()


# ---- A look under it


def test_holding_h_on_the_canvas_hides_the_overlay(shown):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    viewer, page, _ = shown
    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    before = pixel_at(viewer, page, 60, 57)
    QTest.keyPress(canvas, Qt.Key.Key_H)
    settle(0.3)
    assert not page.overlay.layer.visible
    assert np.abs(pixel_at(viewer, page, 60, 57) - before).max() > 20
    QTest.keyRelease(canvas, Qt.Key.Key_H)
    settle(0.3)
    assert page.overlay.layer.visible
    assert np.abs(pixel_at(viewer, page, 60, 57) - before).max() <= 2


def test_holding_h_on_the_page_or_the_button(shown, qtbot):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    _viewer, page, _ = shown
    QTest.keyPress(page, Qt.Key.Key_H)
    assert not page.overlay.layer.visible
    QTest.keyRelease(page, Qt.Key.Key_H)
    assert page.overlay.layer.visible
    button = page.shown.controls._peek
    qtbot.mousePress(button, Qt.MouseButton.LeftButton)
    assert not page.overlay.layer.visible
    qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
    assert page.overlay.layer.visible


def test_what_was_hidden_before_stays_hidden(shown):
    _viewer, page, _ = shown
    page.overlay.layer.visible = False
    page.peek.begin()
    page.peek.end()
    assert not page.overlay.layer.visible


# ---- Figures


def test_a_figure_of_a_region(shown, qtbot, drag, tmp_path):
    viewer, page, values = shown
    page.overlay.choose_head(0)
    press(qtbot, page.figure._draw)
    drag(viewer, [(100.0, 150.0), (200.0, 300.0)])
    settle(0.3)
    box = page.region.box_px0()
    path = tmp_path / "figure.png"
    page.figure.save(path)
    qtbot.waitUntil(lambda: path.exists(), timeout=PATIENCE_MS)
    drawn = np.asarray(Image.open(path)).astype(int)
    margin = 14
    left = margin + (max(box.width, 480) - box.width) // 2
    for row_px0, column_px0 in [(250, 350), (390, 590), (333, 444)]:
        value = values[0, row_px0 // TOKEN_PX, column_px0 // TOKEN_PX]
        seen = drawn[row_px0 - box.y + margin, column_px0 - box.x + left]
        assert np.abs(seen - colour_of(page, value)).max() <= 2


def test_the_legend_of_a_figure(shown, qtbot):
    import datetime

    from napari_histossl.widgets._figure_export import compose

    _viewer, page, _ = shown
    page.bench.call_slide("Slide 3")
    page.overlay.choose_head(1)
    controls = page.shown.controls
    controls._kept.setCurrentIndex(1)
    scene = page.figure._export._scene(page.bench, Box(0, 0, 400, 600))
    figure = compose(scene, datetime.date(2024, 2, 29))
    legend = dict(figure.legend)
    assert legend["Slide"] == "Slide 3"
    assert legend["Overlay"].startswith("head 1 of vit_sample_patch8, weights 0123abcd")
    assert "20×" in legend["Magnification"]
    assert "softmax" in legend["Values"]
    assert "Shown from" in legend["Shown"]
    assert legend["Date"] == "2024-02-29"
    assert figure.um_per_pixel == 0.5
    assert figure.picture.shape == (400, 600, 3)


def test_a_turned_slide_makes_a_turned_figure(shown):
    import datetime

    from napari_histossl.widgets._figure_export import compose

    _viewer, page, values = shown
    page.overlay.choose_head(1)
    page.bench.rotation.turn(1)
    scene = page.figure._export._scene(page.bench, Box(0, 0, 400, 600))
    figure = compose(scene, datetime.date(2024, 2, 29))
    assert figure.picture.shape == (600, 400, 3)
    # a quarter to the right: what was on the left is on top
    top, bottom = figure.overlay[4, 200, :3] * 255, figure.overlay[-4, 200, :3] * 255
    assert np.abs(top - colour_of(page, values[1, 25, 0])).max() <= 2
    assert np.abs(bottom - colour_of(page, values[1, 25, 74])).max() <= 2


def test_a_figure_that_cannot_be_written_is_told(shown, qtbot, tmp_path):
    from napari.utils.notifications import notification_manager

    _viewer, page, _ = shown
    page.figure.save(tmp_path / "nowhere" / "figure.png")
    qtbot.waitUntil(lambda: page.figure._save.isEnabled(), timeout=PATIENCE_MS)
    assert "another place" in str(list(notification_manager.records)[-1].message)


# ---- Two levels


def test_region_heads_from_afar_and_patch_heads_near_by(
    overlays_page, tiny_tiff, qtbot
):
    viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    slide = dock.bench.shown
    values = np.concatenate([known_values(88, 113)] * 2)[:5]
    names = (
        "patch head 0",
        "patch head 1",
        "region head 0",
        "region head 1",
        "combined",
    )
    path, _ = write_overlay(
        slide.slide,
        slide.folder,
        "hierarchy drawn",
        values,
        names=names,
        kind="hierarchy",
        patch_px=64,
        tile_px=1024,
        shifted=False,
        unit="rank (1 = most)",
    )
    page.overlay.show(path)
    assert page.overlay.limits == (0, 1)
    assert not page.shown.controls._values.isEnabled(), "they are ranks already"
    patch_um = 64 * 0.5
    viewer.scene.camera.zoom = 10 / patch_um
    qtbot.waitUntil(lambda: page.overlay.head == 2, timeout=PATIENCE_MS)
    press(qtbot, page.shown.controls.pictures.buttons()[3])
    viewer.scene.camera.zoom = 60 / patch_um
    qtbot.waitUntil(lambda: page.overlay.head == 0, timeout=PATIENCE_MS)
    press(qtbot, page.shown.controls.pictures.buttons()[1])
    viewer.scene.camera.zoom = 10 / patch_um
    qtbot.waitUntil(lambda: page.overlay.head == 3, timeout=PATIENCE_MS)
    press(qtbot, page.shown.controls.pictures.buttons()[4])
    viewer.scene.camera.zoom = 60 / patch_um
    settle(0.4)
    assert page.overlay.head == 4, "the combined map stays"
