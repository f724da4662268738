"""A mask on the Correct page: opened, closed with the window, or only looked at."""

from __future__ import annotations

import shutil
import sqlite3

import numpy as np
import pytest
from conftest_gui import settle

from napari_histossl.annotate import MaskStore, Polygon, Stroke
from napari_histossl.errors import StoreLockedError
from napari_histossl.geometry import Box

pytestmark = pytest.mark.gui

SHAPE = (700, 900)


@pytest.fixture
def bench(make_napari_viewer, tmp_path):
    from napari_histossl.widgets._workbench import Workbench

    made = Workbench(make_napari_viewer(show=True), tmp_path / "results")
    yield made
    made.close()


@pytest.fixture
def path(tmp_path):
    """An empty mask, closed."""
    made = tmp_path / "m.ome.zarr"
    MaskStore.create(made, SHAPE, 0.5).close()
    return made


@pytest.fixture
def session(bench, path):
    from napari_histossl.widgets._mask_session import MaskSession

    made = MaskSession(bench, path, "ada")
    made.sentences = []
    made.changed.connect(made.sentences.append)
    yield made
    made.close()


def test_what_tools_draw_is_seen_saved_and_said(session, qtbot):
    session.draw(Stroke([(100, 100), (100, 400)], 20, 2))
    session.draw(Polygon([(300, 300), (300, 600), (600, 300)], 3))
    assert session.editor.tiles.value_at(100, 200) == 2  # saved or not
    assert session.editor.tiles.value_at(350, 350) == 3
    qtbot.waitUntil(lambda: len(session.sentences) == 2, timeout=20_000)
    assert session.sentences[1] == "Saved · journal entry 2"
    session.undo()
    qtbot.waitUntil(lambda: len(session.sentences) == 3, timeout=20_000)
    assert session.editor.tiles.value_at(350, 350) == 0


def test_the_mask_is_let_go_with_the_window(bench, session, path):
    for number in range(30):
        session.draw(Stroke([(20 * number, 300)], 15, 1))
    with pytest.raises(StoreLockedError):
        MaskStore.open(path)
    bench.close()
    assert session.layer is None
    with MaskStore.open(path) as again:
        assert len(list(again.entries())) == 30
        assert again.read(Box(580, 300, 1, 1))[0, 0] == 1


def test_taking_the_layer_away_closes_the_mask(bench, session, path, qtbot):
    session.draw(Stroke([(100, 100)], 20, 2))
    with qtbot.waitSignal(session.ended, timeout=20_000):
        bench.viewer.layers.remove(session.layer)
    with MaskStore.open(path) as again:
        assert again.read(Box(100, 100, 1, 1))[0, 0] == 2


def test_a_damaged_journal_is_shown_up_to_the_damage(bench, path, tmp_path):
    from napari_histossl.widgets._mask_session import MaskSession

    with MaskStore.open(path) as mask:
        for number in range(3):
            mask.paint(Stroke([(100 + 150 * number, 100)], 40, 2))
        copies = tmp_path / "after a power cut"  # nothing but the journal has them
        copies.mkdir()
        for file in tmp_path.glob("m.*"):
            copy = shutil.copytree if file.is_dir() else shutil.copy
            copy(file, copies / file.name)
    connection = sqlite3.connect(copies / "m.journal.sqlite")
    connection.execute("UPDATE payloads SET body = zeroblob(40) WHERE seq = 2")
    connection.commit()
    connection.close()
    session = MaskSession(bench, copies / "m.ome.zarr", "ada")
    settle(0.3)
    assert session.store.read_only
    assert not session.layer.editable
    assert "entry 2" in session.state
    assert session.editor.tiles.value_at(100, 100) == 2
    assert session.editor.tiles.value_at(250, 100) == 0
    np.testing.assert_array_equal(
        np.asarray(session.layer.data[0]), session.store.read(Box(0, 0, *SHAPE))
    )
    session.close()
