"""The main job, whole, on a real slide in a real window: what a user does in a day.

The pictures of every page are left in the folder that ``HISTOSSL_PICTURES`` names, or
in pytest's temporary folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS

pytestmark = [pytest.mark.gui, pytest.mark.torch]

REAL = (
    Path(__file__).parents[3] / "shared" / "data" / "slides" / "CMU-1-Small-Region.svs"
)
CROP_PX = 224
CASES = 6
"""Of each class; a study of this size proves the path, not a pathologist."""


@pytest.fixture(scope="module")
def slide_path():
    """The real slide; the sample slide where the real one is absent."""
    from napari_histossl.resources import sample_file

    return REAL if REAL.exists() else sample_file("sample.svs")


@pytest.fixture
def pictures(tmp_path):
    folder = Path(os.environ.get("HISTOSSL_PICTURES") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def window(make_napari_viewer, tmp_path):
    from napari_histossl.widgets.dock import Dock

    viewer = make_napari_viewer(show=True)
    dock = Dock(viewer, workspace=tmp_path / "results")
    viewer.window.add_dock_widget(dock, name="HistoSSL", area="right")
    viewer.window._qt_window.resize(1500, 950)
    yield viewer, dock
    dock.bench.close()


def wait(dock, qtbot):
    qtbot.waitUntil(lambda: not dock.bench.worker.is_running, timeout=PATIENCE_MS)


def saved(session, qtbot):
    """Wait until everything that was painted is on the disk."""
    qtbot.waitUntil(lambda: not session.editor.waiting, timeout=PATIENCE_MS)


def click(qtbot, page, words):
    """Press the button that says these words."""
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QAbstractButton

    buttons = page.findChildren(QAbstractButton)
    found = [b for b in buttons if b.text().startswith(words) and b.isVisible()]
    assert len(found) == 1, f"{len(found)} buttons say {words!r}"
    qtbot.waitUntil(found[0].isEnabled, timeout=PATIENCE_MS)  # plans are made first
    qtbot.mouseClick(found[0], Qt.MouseButton.LeftButton)


def test_slide_tissue_attention_mask(slide_path, window, pictures, qtbot, drag):
    from conftest_gui import settle
    from qtpy.QtCore import Qt

    from napari_histossl.annotate import MaskStore
    from napari_histossl.classes import Origin
    from napari_histossl.geometry import Box
    from napari_histossl.panels.tissue import load_tissue
    from napari_histossl.store import Pyramid
    from napari_histossl.widgets.view import save_picture

    viewer, dock = window

    # ---- open
    dock.bench.open_path(slide_path)
    shown = dock.bench.shown
    assert shown is not None
    assert viewer.layers[0].multiscale
    assert str(viewer.layers[0].units[0]) == "micrometer"
    settle(1)

    # ---- tissue
    dock.show_page("Slide")
    click(qtbot, dock.pages["Slide"], "Find tissue")
    wait(dock, qtbot)
    tissue = load_tissue(dock.pages["Slide"].tissue.path, shown.slide)
    assert 0.2 < tissue.share < 0.9
    settle(1)
    save_picture(viewer, pictures / "slide.png")

    # ---- attention
    dock.show_page("Overlays")
    overlays = dock.pages["Overlays"]
    click(qtbot, overlays, "Run")
    qtbot.waitUntil(lambda: not overlays.is_busy, timeout=PATIENCE_MS)
    with Pyramid.open(overlays.overlay.path) as pyramid:
        values = pyramid.read(pyramid.levels[0].box).astype(np.float32)
        assert pyramid.provenance["slide"]["fingerprint"] == shown.source.fingerprint
    computed = np.isfinite(values[0])
    assert computed.any()
    assert not computed.all()
    assert np.nanmean(values) == pytest.approx(1, abs=0.1)  # 1.0 is uniform
    heads = values.shape[0]
    assert overlays.overlay.heads == heads > 1
    small = overlays.shown.controls.pictures.buttons()
    qtbot.mouseClick(small[heads - 1], Qt.MouseButton.LeftButton)
    assert overlays.overlay.head == heads - 1
    assert overlays.overlay.layer.ndim == 2
    settle(1)
    save_picture(viewer, pictures / "overlays.png")

    # ---- a mask from a head
    dock.show_page("Correct")
    correct = dock.pages["Correct"]
    correct.new.choose_head(1)
    click(qtbot, correct, "Create mask")
    wait(dock, qtbot)
    session = correct.session
    assert session is not None
    whole = Box(0, 0, *session.shape)
    proposal = session.store.read(whole)
    assert 0.005 < (proposal == 1).mean() < 0.5

    # ---- corrected by brush, with the mouse
    settle(0.5)
    click(qtbot, correct, "lymphocytes")
    session.layer.brush_size = 120
    centre = np.array(viewer.scene.camera.center[-2:])
    step = 60 / viewer.scene.camera.zoom
    corner = centre + np.array([step, -step])
    path = [centre - step, centre, corner]
    drag(viewer, path)
    saved(session, qtbot)
    painted = session.store.read(whole)
    pixel = tuple(np.round(centre / session.store.mpp_yx).astype(int))
    assert painted[pixel] == 3
    assert session.store.origin(Box(*map(int, pixel), 1, 1))[0, 0] == Origin.HUMAN
    assert (painted != proposal).sum() > 1000
    click(qtbot, correct, "Undo")
    saved(session, qtbot)
    np.testing.assert_array_equal(session.store.read(whole), proposal)
    qtbot.waitUntil(lambda: session.store.can_redo)
    click(qtbot, correct, "Redo")
    saved(session, qtbot)
    np.testing.assert_array_equal(session.store.read(whole), painted)
    np.testing.assert_array_equal(np.asarray(session.layer.data[0]), painted)
    click(qtbot, correct, "Erase")
    drag(viewer, [corner])
    saved(session, qtbot)
    corrected = session.store.read(whole)
    assert (corrected != painted).any()
    settle(1)
    save_picture(viewer, pictures / "correct.png")

    # ---- closed and opened again, equal
    mask_path = session.path
    correct.close_mask()
    assert "mask: mask" not in viewer.layers
    with MaskStore.open(mask_path, read_only=True) as again:
        np.testing.assert_array_equal(again.read(whole), corrected)
        assert again.verify() > 2
    click(qtbot, correct, "Open")
    again = np.asarray(correct.session.layer.data[0])
    np.testing.assert_array_equal(again, corrected)

    # ---- exported
    for name in ("mask.png", "mask.geojson"):
        correct.export(pictures / name)
        wait(dock, qtbot)
        assert (pictures / name).stat().st_size > 1000


def test_study_of_real_against_drawn_crops(slide_path, tmp_path, pictures, qtbot):
    from conftest_gui import settle
    from qtpy.QtCore import Qt

    from napari_histossl.phantom import PhantomSlide
    from napari_histossl.slide import open_slide
    from napari_histossl.study import create_study, cut_crops, read_results
    from napari_histossl.widgets.study_reader import open_reader

    with open_slide(slide_path) as real:
        mpp = real.mpp_yx[0]
        cut_crops(real, tmp_path / "real", CASES, CROP_PX, mpp=0.5, seed=1)
    with PhantomSlide(11, 4096, 4096, mpp) as drawn:
        cut_crops(drawn, tmp_path / "drawn", CASES, CROP_PX, mpp=0.5, seed=1)
    files = create_study(tmp_path / "study", tmp_path / "real", tmp_path / "drawn")

    reader = open_reader(files.study, "reader-1")
    qtbot.addWidget(reader)
    reader.show()
    qtbot.waitExposed(reader)
    settle(0.5)
    reader.grab().save(str(pictures / "study_welcome.png"))
    qtbot.keyClick(reader, Qt.Key.Key_Return)
    for number in range(2 * CASES):
        qtbot.waitUntil(lambda: reader.is_reading, timeout=PATIENCE_MS)
        settle(0.2)
        qtbot.keyClick(reader, Qt.Key.Key_S if number % 2 else Qt.Key.Key_R)
        if number == 1:
            settle(0.2)
            reader.grab().save(str(pictures / "study_reading.png"))
        qtbot.keyClick(reader, (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3)[number % 3])
    qtbot.waitUntil(lambda: not reader.is_reading, timeout=PATIENCE_MS)
    settle(0.3)
    reader.grab().save(str(pictures / "study_end.png"))
    reader.close()

    (result,) = read_results(files.study, files.truth).readers
    assert result.is_complete
    accuracy = result.figures.accuracy
    assert accuracy.trials == 2 * CASES
    assert accuracy.interval.low <= accuracy.value <= accuracy.interval.high
