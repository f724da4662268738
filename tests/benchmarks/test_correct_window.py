"""Correcting a mask of 100,000 x 100,000 in a real window, by mouse events.

The yardstick is napari's own Labels layer on a numpy array of 4096 x 4096, the peer the
same layer on zarr. They take turns with ours, event by event; what is printed is for
reading beside one another.
"""

from __future__ import annotations

import faulthandler
import gc
import resource
import sqlite3
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.gui

sys.path.insert(0, str(Path(__file__).parents[1] / "widgets"))
sys.path.insert(0, str(Path(__file__).parent))
from _mask_windows import MPP, SIDE_PX, look, ours, percentile, stock  # noqa: E402
from conftest_gui import settle  # noqa: E402

YARDSTICK_PX = 4096
PEER_PX = 20_480
"""napari reads the whole plane of its zarr at each move: 10 GB for one of our size."""

MIDDLE_UM = (SIDE_PX / 2 * MPP, SIDE_PX / 2 * MPP)


@pytest.fixture
def pair(make_napari_viewer, tmp_path):
    """Ours and the yardstick, each in a window of its own."""
    editor, mine = ours(make_napari_viewer(show=True), tmp_path)
    yardstick = stock(
        make_napari_viewer(show=True), np.zeros((YARDSTICK_PX,) * 2, np.uint8)
    )
    yield editor, mine, yardstick
    editor.close()


def wait(editor, drawn=True):
    """Let the window live until everything is saved and, if asked, in the picture."""
    from qtpy.QtWidgets import QApplication

    (drawing,) = editor._canvas.drawings(editor.tiles)
    while True:
        QApplication.processEvents()
        used = drawing._drawing.used
        if not (editor.waiting or editor.tiles.sketches) and not (
            drawn and (drawing._is_stale or drawing._loader.outdated & used)
        ):
            return
        time.sleep(2e-4)  # the thread that saves needs the interpreter, too


def test_brush_move(benchmark, capsys, pair):
    """GUI thread a move; brush in pixels of the screen, at several zooms."""
    scales, sizes = ((0.25, 1.0, 2.0, 16.0, 64.0), (10, 50, 200))
    if not benchmark.enabled:
        scales, sizes = scales[1:2], sizes[1:2]
    strokes, moves = (5, 16) if benchmark.enabled else (1, 3)
    for scale in scales:
        for brush_px in sizes:
            times = timed_moves(pair, brush_px, scale, strokes, moves)
            tell_moves(capsys, f"brush {brush_px} px, {scale:g} mask px a pixel", times)
    benchmark.pedantic(lambda: None, rounds=1)


def timed_moves(pair, brush_px, scale, strokes, moves):
    """Return ms of every move, ours and the yardstick's, which take turns."""
    editor, mine, yardstick = pair
    random = np.random.default_rng(0)
    look(mine, MIDDLE_UM, scale)
    look(yardstick, (YARDSTICK_PX / 2 * MPP,) * 2, 1.0)
    mine.layer.brush_size = max(1, round(brush_px * scale))
    yardstick.layer.brush_size = brush_px
    settle(0.4)
    times = {"ours": [], "yardstick": []}
    for number in range(strokes):
        mine.layer.selected_label = yardstick.layer.selected_label = number % 5 + 1
        paths = [one.path(moves, 12, random) for one in (mine, yardstick)]
        for one, places in zip((mine, yardstick), paths, strict=True):
            one.send("MouseButtonPress", places[0])
        for at, reference in zip(*(path[1:] for path in paths), strict=True):
            times["ours"].append(mine.send("MouseMove", at))
            times["yardstick"].append(yardstick.send("MouseMove", reference))
        for one, places in zip((mine, yardstick), paths, strict=True):
            one.send("MouseButtonRelease", places[-1], draws=False)
        wait(editor)
    return times


def tell_moves(capsys, what, times):
    (mine, mine_frame), (its, its_frame) = (
        [percentile([move[part] for move in times[name]], 95) for part in (0, 1)]
        for name in ("ours", "yardstick")
    )
    with capsys.disabled():
        print(
            f"\n{what}: handling p95 {mine:.2f} ms, yardstick {its:.2f}, limit "
            f"{3 * its + 2:.2f}; with the frame {mine_frame:.1f}, yardstick "
            f"{its_frame:.1f}, limit {3 * its_frame + 2:.1f}",
            end="",
        )


def test_brush_move_of_the_peer(benchmark, capsys, make_napari_viewer, tmp_path):
    """napari's own layer over zarr."""
    import zarr

    side = PEER_PX if benchmark.enabled else 1024
    data = zarr.create_array(
        str(tmp_path / "peer.zarr"), shape=(side, side), chunks=(512, 512), dtype="u1"
    )
    peer = stock(make_napari_viewer(show=True), data)
    look(peer, (side / 2 * MPP,) * 2, 1.0)
    peer.layer.brush_size = 50
    settle(0.3)
    times = peer.stroke(peer.path(6, 12, np.random.default_rng(0)))
    benchmark.pedantic(lambda: None, rounds=1)
    with capsys.disabled():
        handled = percentile([move[0] for move in times], 95)
        frame = percentile([move[1] for move in times], 95)
        print(
            f"\npeer, {side} px: {handled:.0f} ms, with the frame {frame:.0f}", end=""
        )


def test_stroke_end_to_durable(benchmark, capsys, pair, tmp_path):
    """From the mouse's release to the journal, and to the mark on the screen."""
    editor, mine, _yardstick = pair
    rounds = 25 if benchmark.enabled else 2
    insert = bare_insert(tmp_path)
    durable = noted_entries(editor)
    marked = []
    editor.saved.connect(lambda _receipt: marked.append(time.perf_counter()))
    random = np.random.default_rng(1)
    for scale in (0.5, 1.0, 2.0) if benchmark.enabled else (1.0,):
        look(mine, MIDDLE_UM, scale)
        mine.layer.brush_size = round(40 * scale)
        settle(0.4)
        spent = []
        for number in range(rounds):
            mine.layer.selected_label = number % 5 + 1
            places = mine.path(12, 12, random)
            mine.send("MouseButtonPress", places[0])
            for place in places[1:]:
                mine.send("MouseMove", place)
            begin_s = time.perf_counter()
            mine.send("MouseButtonRelease", places[-1], draws=False)
            wait(editor, drawn=False)
            ends_s = (durable[-1], marked[-1], begin_s + insert())
            spent.append([(end_s - begin_s) * 1000 for end_s in ends_s])
            wait(editor)
        ours_ms, marked_ms, bare_ms = np.percentile(spent, 95, axis=0)
        with capsys.disabled():
            print(
                f"\nstroke end to durable at {scale:g}: p95 {ours_ms:.1f} ms, marked "
                f"{marked_ms:.1f}; bare insert {bare_ms:.2f}, limit "
                f"{10 * bare_ms + 10:.1f}",
                end="",
            )
    benchmark.pedantic(lambda: None, rounds=1)


def noted_entries(editor):
    """Return a list that gets the time at which each entry has become durable."""
    journal, times_s = editor.store._journal, []
    append = journal.append

    def noted(*arguments, **options):
        entry = append(*arguments, **options)
        times_s.append(time.perf_counter())  # the transaction is over
        return entry

    journal.append = noted
    return times_s


def bare_insert(folder):
    """Return what inserts a row as large as a stroke, and says how long that took."""
    bare = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, body BLOB)")

    def insert():
        begin_s = time.perf_counter()
        bare.execute("INSERT INTO rows (body) VALUES (?)", (bytes(2500),))
        return time.perf_counter() - begin_s

    return insert


def test_undo_and_redo(benchmark, capsys, pair):
    """From the key to the picture as the store has it."""
    for scale in (1.0, 16.0) if benchmark.enabled else (1.0,):
        times = timed_steps(pair, scale, 8 if benchmark.enabled else 1)
        mine_ms, its_ms = (percentile(values, 95) for values in times.values())
        with capsys.disabled():
            print(
                f"\nundo, redo at {scale:g}: p95 {mine_ms:.1f} ms, yardstick "
                f"{its_ms:.1f}, limit {its_ms + 10:.1f}",
                end="",
            )
    benchmark.pedantic(lambda: None, rounds=1)


def timed_steps(pair, scale, rounds):
    """Return ms of every undo and redo, ours and the yardstick's."""
    editor, mine, yardstick = pair
    random = np.random.default_rng(2)
    look(mine, MIDDLE_UM, scale)
    look(yardstick, (YARDSTICK_PX / 2 * MPP,) * 2, 1.0)
    mine.layer.brush_size, yardstick.layer.brush_size = round(40 * scale), 40
    settle(0.4)
    times = {"ours": [], "yardstick": []}
    for number in range(rounds):
        for one in (mine, yardstick):
            one.layer.selected_label = number % 5 + 1
            one.stroke(one.path(10, 12, random))
        wait(editor)
        for _step in range(2):
            for step in ("undo", "redo"):
                times["ours"].append(timed_step(mine, step, editor))
                times["yardstick"].append(timed_step(yardstick, step))
    return times


def timed_step(one, step, editor=None):
    from qtpy.QtWidgets import QApplication

    before, begin_s = one.draws, time.perf_counter()
    getattr(one.layer, step)()
    if editor is not None:
        wait(editor)
    while one.draws == before:
        QApplication.processEvents()
    return (time.perf_counter() - begin_s) * 1000


def test_a_polygon_of_10000(benchmark, capsys, pair):
    """Visible, durable and cancelled while the window lives."""
    from qtpy.QtCore import QTimer

    from napari_histossl.annotate import Polygon

    editor, mine, _yardstick = pair
    look(mine, MIDDLE_UM, 16.0)
    settle(0.4)
    angles = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    radii = 4000 + 1000 * np.cos(9 * angles)
    ring = 50_000 + radii[:, None] * np.stack([np.sin(angles), np.cos(angles)], 1)
    beats = []
    clock = QTimer()
    clock.setInterval(5)
    clock.timeout.connect(lambda: beats.append(time.perf_counter()))
    clock.start()
    settle(0.1)
    saved, begin_s = [], time.perf_counter()
    editor.saved.connect(lambda _receipt: saved.append(time.perf_counter()))
    editor.draw(Polygon((ring.astype(np.float32),), 2))
    shown_s = None
    (drawing,) = editor._canvas.drawings(editor.tiles)
    while not saved or shown_s is None:
        settle(0.001)
        if shown_s is None and drawing.is_sharp and not drawing._is_stale:
            shown_s = time.perf_counter()
    deadline_s = begin_s + (20 if benchmark.enabled else 2)
    while editor.store.owed_blocks and time.perf_counter() < deadline_s:
        settle(0.01)
    filled_s = time.perf_counter()
    editor.undo()
    wait(editor)
    undone_s = time.perf_counter()
    clock.stop()
    benchmark.pedantic(lambda: None, rounds=1)
    shown_ms, saved_ms, filled_ms = (
        (end_s - begin_s) * 1000 for end_s in (shown_s, saved[0], filled_s)
    )
    with capsys.disabled():
        print(
            f"\npolygon of 10,000: visible {shown_ms:.0f} ms, durable {saved_ms:.0f}, "
            f"all levels filled {filled_ms:.0f}, undone "
            f"{(undone_s - filled_s) * 1000:.0f}; longest gap of the window "
            f"{np.diff(beats).max() * 1000:.0f}",
            end="",
        )


def test_memory_of_5000_strokes(benchmark, capsys, pair):
    """Growth of the process over strokes, pans and zooms."""
    faulthandler.cancel_dump_traceback_later()  # longer than any test may take
    editor, mine, _yardstick = pair
    rounds = 5000 if benchmark.enabled else 5
    random = np.random.default_rng(3)
    resident = []
    for number in range(rounds):
        if number % 10 == 0:
            centre = random.uniform(5_000, SIDE_PX - 5_000, 2) * MPP
            scale = 2.0 ** random.integers(-1, 5)
            look(mine, centre, scale)
            mine.layer.brush_size = round(random.uniform(10, 60) * scale)
            settle(0.02)
        if number % 100 == 0:
            gc.collect()
            resident.append(resident_mb())
        mine.layer.selected_label = number % 5 + 1
        mine.stroke(mine.path(8, 12, random))
        if number % 5 == 4:
            wait(editor)
    wait(editor)
    gc.collect()
    resident.append(resident_mb())
    benchmark.pedantic(lambda: None, rounds=1)
    with capsys.disabled():
        grown = resident[-1] - resident[0]
        print(
            f"\n{rounds} strokes: {grown:.0f} MB more ({resident[::10]}), peak "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB",
            end="",
        )


def resident_mb():
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize() // 2**20
