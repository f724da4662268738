"""What weak supervision sees, in a real window, with the mouse and the keys."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest_gui import settle, world_to_canvas

from napari_histossl.annotate import MaskStore
from napari_histossl.classes import ClassInfo, ClassTable, Origin
from napari_histossl.geometry import Box
from napari_histossl.metrics.confusion import confusion_matrix
from napari_histossl.overlays.class_labels import ClassLabels
from napari_histossl.overlays.class_parameters import CAM, CLASS_MAPS, PROBABILITY
from napari_histossl.store.masks import write_mask_png
from napari_histossl.store.paths import overlay_path, results_folder

pytest.importorskip("torch")
pytestmark = [pytest.mark.gui, pytest.mark.torch]

CLASSES = ClassTable(
    [
        ClassInfo(1, "tumour", (205, 51, 51), "T", 50),
        ClassInfo(2, "stroma", (46, 139, 87), "S", 20),
    ]
)
PX = 4
TILE = 64
SLIDE = 700, 900
SHAPE = 175, 225
"""Of maps: the slide has 700 x 900 px."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny classifier and a tiny segmenter of these classes, by name."""
    import torch

    from napari_histossl.models import create_model, model_spec, save_weights

    folder = tmp_path_factory.mktemp("weights")
    made = {}
    options = {"resnet38": {"width": 1 / 16}, "deeplabv3plus": {"backbone": "small"}}
    for name, config in options.items():
        torch.manual_seed(0)
        config = {"n_classes": 2, **config}
        spec = replace(
            model_spec(name, **config), tile_px=TILE, mpp=0.5, classes=CLASSES
        )
        model = create_model(name, **config)
        if name == "resnet38":
            model.fc8.weight.data.mul_(0.1)  # neither sure nor unsure of everything
        made[name] = folder / f"{name}.safetensors"
        save_weights(model, spec, made[name])
    return made


@pytest.fixture
def window(make_napari_viewer, tmp_path, tiny_tiff, weights, monkeypatch):
    """A viewer with a slide, zoomed in, and the group beside it."""
    from napari_histossl.widgets._weak_group import WeakGroup
    from napari_histossl.widgets._workbench import Workbench

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1250, 950)
    bench = Workbench(viewer, tmp_path / "results")
    group = WeakGroup(bench)
    group.runs.classifier.choose(weights["resnet38"])
    group.runs.segmenter.choose(weights["deeplabv3plus"])
    dock = viewer.window.add_dock_widget(group, name="Weak", area="right")
    dock.setFixedWidth(380)
    bench.open_path(tiny_tiff)
    viewer.scene.camera.zoom = 4
    viewer.scene.camera.center = (170, 220)
    settle(0.4)
    yield viewer, group
    bench.close()


@pytest.fixture
def folder(tmp_path, tiny_tiff):
    return results_folder(tiny_tiff, tmp_path / "results")


@pytest.fixture
def maps(folder, write_class_maps):
    """Waves of two classes; tiles of which the classifier knows one, both or none."""
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]] / 30
    wave = (np.sin(row) * np.cos(column) + 1) / 2
    values = np.stack([wave, 1 - wave, np.zeros(SHAPE)])
    values[:, :20] = np.nan
    told = np.random.default_rng(1).random((2, 11, 15))
    path = {
        part: overlay_path(folder, name)
        for part, name in {
            "segmentation": "segmentation tiny, epsilon 0.1",
            "bn7": "classes tiny bn7",
            "probability": "classes tiny probability",
        }.items()
    }
    write_class_maps(path["segmentation"], values, PX, CLASSES)
    options = {"kind": CLASS_MAPS, "presence": path["probability"].name}
    write_class_maps(path["bn7"], values, PX, CLASSES, shows=CAM, **options)
    write_class_maps(
        path["probability"], told, TILE, CLASSES, shows=PROBABILITY, **options
    )
    return path


def hover(viewer, at_px0):
    """Move the mouse to a place of the slide of 0.5 um a pixel."""
    from qtpy.QtCore import QPoint
    from qtpy.QtTest import QTest

    canvas = viewer.window._qt_viewer.canvas.native
    place = world_to_canvas(viewer, (np.array(at_px0) - 0.5) * 0.5)
    QTest.mouseMove(canvas, place + QPoint(1, 0))  # else it may be there already
    QTest.mouseMove(canvas, place)
    settle(0.05)


def press_key(viewer, key):
    from qtpy.QtTest import QTest

    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    QTest.keyClick(canvas, key)
    settle(0.1)


def press(qtbot, button):
    from qtpy.QtCore import Qt

    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def shown(group, box):
    """Return what the layer draws of a box, at the finest level."""
    return finest(group.layer.layer)[box.slices]


def finest(layer):
    """Return the finest level of a layer, which may be the only one."""
    return np.asarray(layer.data[0] if layer.multiscale else layer.data)


def titles(group):
    return [group.shown.itemText(i) for i in range(group.shown.count())]


WHOLE = Box(0, 0, *SHAPE)


# ---- Nothing there


def test_without_a_slide_and_without_results(make_napari_viewer, tmp_path, tiny_tiff):
    from napari_histossl.widgets._weak_group import WeakGroup
    from napari_histossl.widgets._workbench import Workbench

    viewer = make_napari_viewer()
    bench = Workbench(viewer, tmp_path / "results")
    group = WeakGroup(bench)
    assert group.status.text() == "Open a slide first."
    assert not group.follow.button.isEnabled()
    assert not group.make_button.isEnabled()
    assert not group.runs.look.ask_button.isEnabled()
    group.make_mask()  # the key does nothing where nothing is shown
    bench.open_path(tiny_tiff)
    assert group.status.text().startswith("Nothing computed on this slide yet")
    assert group.runs.segment.ask_button.isEnabled()
    assert group.follow.button.isEnabled()
    assert not group.compare.measure_button.isEnabled()
    bench.close()


def test_no_torch_in_the_window():
    code = (
        "import sys, napari_histossl.widgets._weak_group; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# ---- What is shown


def test_labels_maps_and_what_the_sliders_leave(window, maps, qtbot):
    _, group = window
    group.refresh()
    assert titles(group) == [
        "none shown: choose one",
        "segmentation tiny, epsilon 0.1",
        "segmentation tiny, epsilon 0.1, probability",
        "classes tiny probability of classes",
        "classes tiny: Grad-CAM bn7",
        "classes tiny: pseudo-mask bn7",
    ]
    group.show_title("segmentation tiny, epsilon 0.1")
    expected = ClassLabels.open(maps["segmentation"]).read(WHOLE)
    np.testing.assert_array_equal(shown(group, WHOLE), expected)
    assert "epsilon 0.1" in group._about.text()
    assert not group.layer.layer.editable

    group.sliders.threshold.setValue(60)
    settle(0.3)
    expected = ClassLabels.open(maps["segmentation"], threshold=0.6).read(WHOLE)
    assert 0 < (expected == 0).mean() < 1
    np.testing.assert_array_equal(shown(group, WHOLE), expected)

    group.sliders.threshold.setValue(0)
    group.show_title("classes tiny: pseudo-mask bn7")
    for epsilon in (0.1, 0.5):
        group.sliders.epsilon.setValue(round(epsilon * 100))
        settle(0.3)
        labels = ClassLabels.open(maps["bn7"], epsilon=epsilon).read(WHOLE)
        np.testing.assert_array_equal(shown(group, WHOLE), labels)

    group.show_title("classes tiny: Grad-CAM bn7")
    press(qtbot, group.legend._group.button(1))
    strengths = ClassLabels.open(maps["bn7"], epsilon=0.5).strengths(WHOLE)[1]
    strengths[strengths == 0] = np.nan  # absent classes let the tissue through
    np.testing.assert_array_equal(shown(group, WHOLE), strengths)
    assert group.layer.layer.colormap.name.startswith("stroma")
    group.take_off.click()
    assert group.layer.layer is None
    assert group.shown.currentIndex() == 0


# ---- A mask of it


def test_one_key_makes_a_mask_that_knows_where_it_is_from(window, maps, folder, qtbot):
    viewer, group = window
    group.refresh()
    group.show_title("classes tiny: pseudo-mask bn7")
    group.sliders.epsilon.setValue(30)
    group.sliders.threshold.setValue(55)
    settle(0.3)
    with qtbot.waitSignal(group.mask_made, timeout=60_000) as made:
        press_key(viewer, "K")
    (path,) = made.args
    assert path.parent == folder / "masks"
    with MaskStore.open(path, read_only=True) as mask:
        labels = ClassLabels.open(maps["bn7"], epsilon=0.3, threshold=0.55)
        expected = labels.read(WHOLE).repeat(PX, 0).repeat(PX, 1)
        whole = Box(0, 0, *SLIDE)
        np.testing.assert_array_equal(mask.read(whole), expected)
        origins = (expected > 0) * int(Origin.MODEL)
        np.testing.assert_array_equal(mask.origin(whole), origins)
        assert mask.provenance["overlay"] == maps["bn7"].name
        assert (mask.provenance["epsilon"], mask.provenance["threshold"]) == (0.3, 0.55)
        assert mask.classes == CLASSES
    assert "The mask mask was made" in group.status.text()


def test_in_the_dock_it_can_be_corrected_at_once(
    make_napari_viewer, tmp_path, tiny_tiff, maps, qtbot, monkeypatch
):
    from napari_histossl.widgets.dock import Dock

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    viewer = make_napari_viewer(show=True)
    dock = Dock(viewer, ("Overlays", "Correct"), tmp_path / "results")
    viewer.window.add_dock_widget(dock, area="right")
    dock.bench.open_path(tiny_tiff)
    group = dock.pages["Overlays"].groups["Weak supervision"]
    group.refresh()
    group.show_title("segmentation tiny, epsilon 0.1")
    with qtbot.waitSignal(group.mask_made, timeout=60_000):
        press_key(viewer, "K")
    correct = dock.pages["Correct"]
    assert correct.session is not None
    assert correct.session.store.classes == CLASSES
    assert dock._tabs.tabText(dock._tabs.currentIndex()) == "Correct"
    assert not group.layer.layer.visible  # the mask is what is to be seen now
    dock.close()


# ---- The tile under the cursor


def test_numbers_of_the_tile_and_what_dropout_hides(window, weights, qtbot):
    import torch

    from napari_histossl.models import load_model
    from napari_histossl.slide import open_slide
    from napari_histossl.widgets._weak_legend import AFTER, HERE

    viewer, group = window
    press(qtbot, group.follow.button)
    hover(viewer, (320, 420))  # tile 5, 6
    qtbot.waitUntil(lambda: group.follow.tile.tile is not None, timeout=60_000)
    shown_slide = group.bench.shown
    with open_slide(shown_slide.source.path) as slide:
        pixels = slide.read(Box(5 * TILE, 6 * TILE, TILE, TILE), 0)
    images = torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]
    model, _ = load_model(weights["resnet38"])
    with torch.inference_mode():
        told = model(images)[0].sigmoid().numpy()
    group.sliders.epsilon.setValue(5)
    expected = [f"{p:.2f}" if p > 0.05 else f"({p:.2f})" for p in told]
    assert group.legend.texts(HERE) == expected
    for mu in (0.9, 0.4):
        group.sliders.mu.setValue(round(mu * 100))
        settle(0.1)
        with torch.inference_mode():
            logits = model.dropout_attention_logits(images, mu, divisor=None)
        after = [f"{p:.2f}" for p in logits[0].sigmoid().tolist()]
        assert group.legend.texts(AFTER) == after
        hidden = group.follow.tile.tile.hidden(mu)[group.legend.place]
        np.testing.assert_array_equal(group.follow.tile.layer.data == 2, hidden)
        assert f"above {mu:.2f} of its maximum" in group.status.text()
    layer = group.follow.tile.layer
    corner = np.array(layer.translate) - np.array(layer.scale) / 2 + 0.25
    np.testing.assert_allclose(corner, (5 * TILE * 0.5, 6 * TILE * 0.5))
    np.testing.assert_allclose(np.array(layer.scale) * 8, TILE * 0.5)

    press_key(viewer, "\x1b")
    assert not group.follow.button.isChecked()
    assert group.follow.tile.layer is None
    assert group.legend.texts(HERE) == ["–", "–"]


def test_weights_of_another_kind_are_said(window, weights, qtbot):
    _, group = window
    group.runs.classifier.choose(weights["deeplabv3plus"])
    press(qtbot, group.follow.button)
    qtbot.waitUntil(lambda: "no classifier" in group.status.text(), timeout=10_000)
    assert not group.follow.button.isChecked()
    press(qtbot, group.runs.look.ask_button)
    price = group.runs.look._price
    qtbot.waitUntil(lambda: "no classifier" in price.text(), timeout=30_000)
    assert group.runs.look.plan is None


# ---- Compared with a mask


def test_measured_against_a_mask_and_where_they_differ(window, maps, folder, qtbot):
    from napari_histossl.widgets._weak_legend import IOU

    _, group = window
    truth = np.zeros(SLIDE, np.uint8)
    truth[:, :500], truth[:, 500:800] = 1, 2
    (folder / "masks").mkdir(parents=True)
    path = folder / "masks" / "true.ome.zarr"
    with MaskStore.create(path, SLIDE, 0.5, CLASSES, base=truth):
        pass
    group.refresh()
    group.compare.refresh()
    group.show_title("segmentation tiny, epsilon 0.1")
    press(qtbot, group.compare.measure_button)
    qtbot.waitUntil(lambda: "Mean IoU" in group.compare.text, timeout=60_000)
    labels = ClassLabels.open(maps["segmentation"]).read(WHOLE)
    full = labels.repeat(PX, 0).repeat(PX, 1)
    compared = truth.copy()
    compared[: 20 * PX] = 0
    found = confusion_matrix(full, compared, 2, exclude_index=0, first=1)
    assert group.legend.texts(IOU) == [f"{iou:.2f}" for iou in found.iou]
    assert "over 89% of the mask" in group.compare.text

    group.compare.differ.setChecked(True)
    drawn = finest(group.compare.layer.layer)
    middle = compared[2::PX, 2::PX]
    np.testing.assert_array_equal(drawn, np.where(labels != middle, middle, 0))

    group.sliders.threshold.setValue(
        50
    )  # other labels: the numbers were of those before
    settle(0.3)
    assert group.legend.texts(IOU) == ["–", "–"]


def test_a_mask_of_another_size_is_said(window, maps, tmp_path, qtbot):
    _, group = window
    write_mask_png(tmp_path / "other.png", np.ones((300, 900), np.uint8))
    group.refresh()
    group.show_title("segmentation tiny, epsilon 0.1")
    group.compare.choose_file(tmp_path / "other.png")
    press(qtbot, group.compare.measure_button)
    qtbot.waitUntil(lambda: "300 x 900 px" in group.compare.text, timeout=60_000)
    assert "choose the mask of this slide" in group.compare.text


# ---- Runs


@pytest.mark.parametrize("kind", ["look", "segment"])
def test_a_run_says_its_price_and_is_shown(window, folder, kind, qtbot):
    _, group = window
    group.runs._where.setCurrentIndex(0)  # tissue in view
    run = getattr(group.runs, kind)
    press(qtbot, run.ask_button)
    qtbot.waitUntil(lambda: run.plan is not None, timeout=60_000)
    assert "tiles of 64 px" in run._price.text()
    qtbot.waitUntil(lambda: "by estimate" not in run._price.text(), timeout=60_000)
    with qtbot.waitSignal(group.runs.done, timeout=120_000):
        press(qtbot, run.start_button)
    assert group.layer.layer is not None
    found = {path.name.removesuffix(".ome.zarr") for path in folder.rglob("*.ome.zarr")}
    wanted = {
        "look": "classes resnet38 pseudo-mask bn7",
        "segment": "segmentation deeplabv3plus, epsilon 0.1 labels",
    }
    assert wanted[kind] in found
    labels = shown(group, WHOLE)
    assert labels.any()
