"""A mask of PANDA dragged on a window, with and without its slide."""

import pytest

pytestmark = pytest.mark.gui
MASK = "train_label_masks/0005f7aa_mask.tiff"


def kinds(viewer):
    return [type(layer).__name__ for layer in viewer.layers]


def test_a_mask_brings_its_slide_once(make_napari_viewer, panda):
    viewer = make_napari_viewer()
    viewer.open(str(panda / MASK), plugin="napari-histossl")
    assert kinds(viewer) == ["Image", "Labels"]
    image, labels = viewer.layers
    assert labels.name == "0005f7aa_mask (radboud, ISUP 4, Gleason 4+4)"
    assert tuple(labels.scale) == tuple(image.scale)
    assert labels.get_value((100.0, 100.0), world=True) is not None
    status = labels.get_status((300.0, 400.0), world=True)
    assert "class: " in status["value"]
    viewer.layers.remove(labels)
    viewer.open(str(panda / MASK), plugin="napari-histossl")
    assert kinds(viewer) == ["Image", "Labels"]
    viewer.layers.remove(viewer.layers[0])
    viewer.open(str(panda / MASK), plugin="napari-histossl")
    assert kinds(viewer) == ["Labels", "Image", "Labels"]


def test_view_opens_a_mask_on_its_slide(panda, monkeypatch, make_napari_viewer):
    import napari

    from napari_histossl.widgets import view as viewing

    windows = []
    made = make_napari_viewer()

    def make(slides, workspace):
        from napari_histossl.widgets.dock import Dock

        dock = Dock(made)
        for slide in slides:
            dock.bench.add_slide(slide)
        windows.append(dock)
        return made, dock

    monkeypatch.setattr(viewing, "make_window", make)
    monkeypatch.setattr(napari, "run", lambda: None)
    slide = panda / "train_images" / "0005f7aa.tiff"
    viewing.view([panda / MASK, slide], None, None)
    assert kinds(made) == ["Image", "Labels"]
    assert windows[0].bench.shown.slide.source.path == slide
    assert windows[0].bench.shown.owns(made.layers[1])
    made.window.add_dock_widget(windows[0])
