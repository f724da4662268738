"""The layer stays napari's own, the window never reads, and bad days stay small."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from canvas_for_tests import Watched, Window, difference, with_overviews
from conftest_gui import PATIENCE_MS, settle

from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import slide_layer
from napari_histossl.slide import ArraySlide, open_slide
from napari_histossl.slide.base import Slide

pytestmark = pytest.mark.gui


def zoom_and_pan(window):
    for zoom in (0.3, 0.6, 1.0, 2.0, 0.5):
        window.look((100, 200), zoom=zoom, wait=False)
        settle(0.03)
        for step in range(4):
            window.look((100 + 90 * step, 200 + 110 * step), zoom, wait=False)
            settle(0.02)


# ---- An ordinary layer ----


def test_what_others_see_is_an_ordinary_image(show, noise_slide):
    from napari.layers import Image

    window = show(noise_slide)
    layer = window.layer
    assert type(layer) is Image
    assert [level.shape[1] for level in layer.data] == [2100, 1050, 525, 263]
    assert type(layer.data[0]).__module__.startswith(("dask", "napari_histossl.slide"))
    assert layer.locked_data_level == 3
    assert layer.thumbnail[..., :3].std() > 10
    data, options, kind = layer.as_layer_data_tuple()
    assert kind == "image"
    assert Image(data, **options).data[0].shape == (1500, 2100, 3)


def test_automatic_level_stays_with_the_tiles(show, noise_slide):
    window = show(noise_slide)
    window.layer.locked_data_level = None  # what "auto" in the controls does
    assert window.layer.locked_data_level == 3


def test_a_level_that_somebody_asks_for_is_shown(show, noise):
    window = show(ArraySlide(noise))
    window.look((300, 401))
    window.layer.locked_data_level = 1
    settle(0.1)
    level_1 = np.asarray(window.layer.data[1])
    height, width = window.size
    expected = level_1.repeat(2, 0).repeat(2, 1)[300:, 401:][:height, :width]
    assert difference(window.shot(), expected) <= 0.02
    window.layer.locked_data_level = None
    window.wait_sharp()
    expected = noise[300 : 300 + height, 401 : 401 + width]
    assert difference(window.shot(), expected) <= 0.02


def test_other_data_in_the_layer_are_shown_by_napari(show, noise):
    window = show(ArraySlide(noise))
    window.look((300, 401))
    window.layer.data = [255 - noise, 255 - noise[::2, ::2], 255 - noise[::4, ::4]]
    settle(0.2)
    height, width = window.size
    expected = 255 - noise[300 : 300 + height, 401 : 401 + width]
    assert difference(window.shot(), expected) <= 0.02


def test_napari_reads_nothing_on_zoom_and_pan(show, noise):
    slide = Watched(ArraySlide(noise))
    window = show(slide)
    slide.readers.clear()
    zoom_and_pan(window)
    window.wait_sharp()
    assert slide.readers
    assert {name.split("-")[0] for name in slide.readers} == {"tiles"}


# ---- What napari can do with a layer ----


def test_3d_and_back(show, noise):
    window = show(ArraySlide(noise))
    window.look((300, 401))
    before = window.shot()
    window.viewer.dims.ndisplay = 3
    settle(0.2)
    assert window.shot().std() > 5
    window.viewer.dims.ndisplay = 2
    window.look((300, 401))
    assert difference(window.shot(), before) <= 0.02


def test_grid_and_back(show, noise):
    window = show(ArraySlide(noise))
    first = window.drawing
    window.add(ArraySlide(255 - noise))
    window.viewer.canvas.grid.enabled = True
    window.viewer.reset_view()
    settle(0.3)
    window.qtbot.waitUntil(lambda: window.drawing.is_sharp, timeout=PATIENCE_MS)
    window.qtbot.waitUntil(lambda: first.is_sharp, timeout=PATIENCE_MS)
    shot = window.shot()
    assert shot.std() > 20
    window.viewer.canvas.grid.enabled = False
    settle(0.1)
    window.look((300, 401))
    height, width = window.size
    expected = 255 - noise[300 : 300 + height, 401 : 401 + width]
    assert difference(window.shot(), expected) <= 0.02


def test_hidden_layers_want_nothing(show, noise_slide):
    window = show(noise_slide)
    window.layer.visible = False
    settle(0.1)
    window.look((0, 0), wait=False)
    settle(0.1)
    assert window.canvas.service.stats().queued == 0
    assert (window.shot() == window.shot()[0, 0]).all()
    window.layer.visible = True
    window.wait_sharp()


def test_two_windows_on_one_slide(show, make_napari_viewer, noise):
    slide = ArraySlide(noise)
    first = show(slide)
    second = show(slide, viewer=make_napari_viewer(show=True))
    assert first.drawing.source is second.drawing.source
    for window, place in ((first, (100, 200)), (second, (700, 900))):
        window.look(place)
    for window, (y, x) in ((first, (100, 200)), (second, (700, 900))):
        height, width = window.size
        expected = noise[y : y + height, x : x + width]
        assert difference(window.shot(), expected) <= 0.02


def test_one_layer_in_two_viewers(show, make_napari_viewer, noise, qtbot):
    first = show(ArraySlide(noise))
    other = make_napari_viewer(show=True)
    other.window._qt_window.resize(900, 650)
    second = Window(other, first.canvas, qtbot)
    second.add_layer(first.layer)
    for window, place in ((first, (100, 200)), (second, (700, 900))):
        window.look(place)
    for window, (y, x) in ((first, (100, 200)), (second, (700, 900))):
        height, width = window.size
        expected = noise[y : y + height, x : x + width]
        assert difference(window.shot(), expected) <= 0.02


def test_removing_the_layer_ends_its_threads(show, noise_slide):
    window = show(noise_slide)
    window.viewer.layers.remove(window.layer)
    settle(0.1)
    assert not window.canvas.drawings()
    window.qtbot.waitUntil(
        lambda: not any(t.name.startswith("tiles-") for t in threading.enumerate()),
        timeout=PATIENCE_MS,
    )
    assert len(window.viewer.layers) == 0
    window.shot()


def test_a_duplicate_is_drawn_too_and_survives(show, noise):
    from napari.layers import Layer

    window = show(ArraySlide(noise))
    original = window.layer
    window.add_layer(Layer.create(*original.as_layer_data_tuple()))
    window.viewer.layers.remove(original)
    window.look((300, 401))
    height, width = window.size
    expected = noise[300 : 300 + height, 401 : 401 + width]
    assert difference(window.shot(), expected) <= 0.02


# ---- Slow, and not at all ----


def test_nothing_but_slide_while_tiles_are_on_their_way(show):
    """No hole and no flash: the overview is seen until the detail is there."""
    picture = np.full((6000, 8000, 3), (200, 40, 120), np.uint8)
    slide = Watched(ArraySlide(picture))
    window = show(slide)
    slide.gate.clear()
    try:
        for first in ((3000, 3000), (1000, 5000), (5000, 7000)):
            window.look(first, wait=False)
            settle(0.1)
            shot = window.shot()
            assert not window.drawing.is_sharp
            assert (np.abs(shot - (200, 40, 120)) <= 1).all()
    finally:
        slide.gate.set()
    window.wait_sharp()


def test_tiles_that_come_one_by_one_from_the_very_first(show, rng):
    """Draws between the first arrivals must not take back what is still wanted."""
    four_at_the_top = rng.integers(0, 256, (2000, 2000, 3), np.uint8)
    slide = Watched(ArraySlide(four_at_the_top))
    slide.permits = threading.Semaphore(0)
    window = show(slide, wait=False)
    window.look((0, 0), zoom=0.49, wait=False)  # where rest asks for no finer level
    for _ in range(60):
        slide.permits.release()
        settle(0.02)
        window.drawing.redraw()
    slide.permits.release(1000)
    window.wait_sharp()


@pytest.mark.parametrize("latency_s", [0.02, 0.2])
def test_a_slow_drive_never_holds_the_window(show, latency_slide, latency_s):
    latency_slide.latency_s = latency_s
    readers = set()
    read = latency_slide._slide.read

    def note(box, level):
        readers.add(threading.current_thread().name.split("-")[0])
        return read(box, level)

    latency_slide._slide.read = note
    window = show(latency_slide)
    readers.clear()
    zoom_and_pan(window)
    window.wait_sharp()
    assert readers <= {"tiles"}
    waiting = [name for name in _calls_that_wait(window) if name]
    assert not waiting


def _calls_that_wait(window):
    """Names of the calls in a draw that ask the service for more than a look-up."""
    calls = []
    service = window.canvas.service
    allowed = {"get", "has", "want", "prefetch", "failed", "listen", "stats", "health"}

    class Spy:
        def __getattr__(self, name):
            if name not in allowed:
                calls.append(name)
            return getattr(service, name)

    window.canvas._service = Spy()
    try:
        zoom_and_pan(window)
    finally:
        window.canvas._service = service
    return calls


def test_closing_with_reads_in_flight(show, noise):
    slide = Watched(ArraySlide(noise))
    window = show(slide)
    slide.gate.clear()
    window.look((600, 800), wait=False)
    window.qtbot.waitUntil(
        lambda: window.canvas.service.stats().running > 0, timeout=PATIENCE_MS
    )
    window.viewer.close()
    settle(0.1)
    gc.collect()
    settle(0.1)
    assert not window.canvas.drawings()
    slide.gate.set()


class Unplugged(Slide):
    """A slide on a drive that can go away."""

    def __init__(self, slide):
        self._slide = slide
        self.source, self.levels, self.mpp_yx = slide.source, slide.levels, None
        self.is_gone = False

    def _read_inside(self, box, level):
        from napari_histossl.errors import SlideUnreachableError

        if self.is_gone:
            raise SlideUnreachableError(f"{self.source.name} does not answer")
        return self._slide.read(box, level)

    def close(self):
        return


def test_a_drive_that_goes_away_and_comes_back(show):
    picture = np.full((3000, 4000, 3), (200, 40, 120), np.uint8)
    slide = Unplugged(ArraySlide(picture))
    window = show(slide)
    slide.is_gone = True
    window.look((1500, 1500), wait=False)
    settle(0.3)
    assert (np.abs(window.shot() - (200, 40, 120)) <= 1).all()  # overview, no hatch
    assert not window.drawing.is_sharp
    slide.is_gone = False
    window.canvas.service.retry(window.drawing.source)
    window.wait_sharp()


def test_the_coarsest_level_of_several_tiles(show, rng):
    """The atlas has room for it from the start."""
    window = show(ArraySlide(rng.integers(0, 256, (2000, 2000, 3), np.uint8)))
    window.look((0, 0), zoom=0.2)
    assert window.drawing.target.level == 2
    assert window.drawing.target.box_ij.shape == (2, 2)


def test_a_picture_of_one_pixel(show):
    window = show(ArraySlide(np.full((1, 1, 3), 77, np.uint8)), wait=False)
    settle(0.3)
    height, width = window.size
    assert (window.shot()[height // 2, width // 2] == 77).all()


def test_failure_is_told_once(show, noise, qapp):
    from napari.utils.notifications import notification_manager

    slide = with_overviews(Watched(ArraySlide(noise), [(0, Box(0, 0, 300, 1600))]))
    before = len(notification_manager.records)
    window = show(slide, wait=False)
    settle(0.3)
    window.look((0, 0), wait=False)

    def told():
        notes = list(notification_manager.records)[before:]
        return [note for note in notes if "nothing to be read" in str(note.message)]

    window.qtbot.waitUntil(lambda: bool(told()), timeout=PATIENCE_MS)
    settle(0.5)
    assert len(told()) == 1


def test_failure_of_a_masked_slide_does_not_tell_its_name(
    tile_canvas, make_napari_viewer, noise, qtbot
):
    """Blinded review: a file's name often is a person's."""
    from napari.layers import Layer
    from napari.utils.notifications import notification_manager

    slide = Watched(ArraySlide(noise, name="Huber.svs"), [(0, Box(0, 0, 300, 1600))])
    before = len(notification_manager.records)
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(900, 650)
    window = Window(viewer, tile_canvas, qtbot)
    data, options, kind = slide_layer(with_overviews(slide), alias="Slide 7")
    window.add_layer(Layer.create(data, options, kind))
    settle(0.3)
    window.look((0, 0), wait=False)

    def told():
        notes = list(notification_manager.records)[before:]
        return "".join(str(note.message) for note in notes)

    qtbot.waitUntil(
        lambda: "Slide 7: nothing to be read" in told(), timeout=PATIENCE_MS
    )
    assert "Huber" not in told()


# ---- How the canvas gets there ----


def test_a_slide_dragged_on_a_bare_window(
    tile_canvas, make_napari_viewer, npe2pm, tiny_tiff, qtbot
):
    """The manifest's on_activate installs the canvas before the layer is drawn."""
    import npe2
    from conftest_gui import settle

    import napari_histossl

    tile_canvas.uninstall()
    manifest = npe2.PluginManifest.from_file(
        f"{napari_histossl.__path__[0]}/napari.yaml"
    )
    viewer = make_napari_viewer(show=True)
    with npe2pm.tmp_plugin(manifest=manifest) as plugin:
        viewer.open([str(tiny_tiff)], plugin=plugin.name, stack=False)
        settle(0.3)
        from napari_histossl.widgets.canvas import install_canvas

        installed = install_canvas()
        (drawing,) = installed.drawings()
        qtbot.waitUntil(lambda: drawing.is_sharp, timeout=PATIENCE_MS)
        installed.uninstall()


def test_without_a_window_nothing_is_installed():
    """Reading in a script loads no Qt."""
    import subprocess
    import sys

    code = (
        "import sys; from napari_histossl.widgets import activate; activate(None); "
        "assert not [n for n in sys.modules if n.startswith(('qtpy', 'PySide6'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_napari_without_its_private_parts(
    tile_canvas, make_napari_viewer, monkeypatch, noise, qtbot
):
    """Stock drawing over chunks, said once."""
    from napari.utils.notifications import notification_manager

    from napari_histossl.widgets.canvas import _napari, install_canvas

    tile_canvas.uninstall()
    monkeypatch.setitem(
        _napari._NEEDED, "napari._vispy.utils.visual:no_such_table", ("get",)
    )
    before = len(notification_manager.records)
    canvas = install_canvas()
    assert install_canvas() is canvas
    told = [str(note.message) for note in list(notification_manager.records)[before:]]
    assert len(told) == 1
    assert "no_such_table" in told[0]
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(900, 650)
    window = Window(viewer, canvas, qtbot)
    window.add(ArraySlide(noise))
    assert window.drawing is None
    assert window.layer.locked_data_level is None
    assert {512} >= set(window.layer.data[0].chunks[0][:-1])
    window.look((300, 401), wait=False)
    height, width = window.size
    expected = noise[300 : 300 + height, 401 : 401 + width]
    qtbot.waitUntil(
        lambda: difference(window.shot(), expected) <= 0.02, timeout=PATIENCE_MS
    )
    canvas.uninstall()


def test_a_changed_name_in_napari_is_found(monkeypatch):
    from napari_histossl.widgets.canvas import _napari

    assert _napari.missing_part() is None
    monkeypatch.setitem(_napari._NEEDED, "napari.layers:Image", ("lock_of_level",))
    assert _napari.missing_part() == "napari.layers:Image.lock_of_level"


def test_a_file_is_opened_from_disk(show, tiny_tiff):
    slide = open_slide(tiny_tiff)
    window = show(slide)
    assert window.drawing.source.name == tiny_tiff.name
