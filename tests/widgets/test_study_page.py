"""The Study page: make a study, read it, open its results."""

import json
import os
from contextlib import closing
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS
from PIL import Image
from study_packs import lock, make_pack

pytest.importorskip("pytestqt")
pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog, QPushButton

from napari_histossl import study
from napari_histossl.study import PowerPlan
from napari_histossl.study.sample_study import write_sample_study
from napari_histossl.widgets import _study_new, _study_owner, _study_packs, study_page
from napari_histossl.widgets._form import scrolled
from napari_histossl.widgets.study_page import make_study_page

pytestmark = pytest.mark.gui

SCREENSHOTS = os.environ.get("HISTOSSL_SCREENSHOTS")


def _draw(folder, count, seed):
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def folders(tmp_path):
    return _draw(tmp_path / "real", 4, 1), _draw(tmp_path / "synthetic", 4, 2)


@pytest.fixture
def errors(monkeypatch):
    """Sentences that the person was shown."""
    shown = []
    for module in (study_page, _study_new, _study_owner):
        monkeypatch.setattr(
            module, "show_error", lambda error: shown.append(str(error))
        )
    for module in (study_page, _study_new, _study_packs):
        monkeypatch.setattr(module, "show_info", lambda text: None)
    return shown


@pytest.fixture
def page(qtbot, errors):
    made = make_study_page()
    area = scrolled(made)
    area.resize(400, 1500)
    area.show()
    qtbot.addWidget(area)
    yield made
    if made.reader_window is not None:
        made.reader_window.close()


def _save_picture(widget, name):
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        QApplication.processEvents()
        assert widget.grab().save(str(Path(SCREENSHOTS) / f"{name}.png"))


def _click(qtbot, page, text):
    (button,) = (
        b for b in page.findChildren(QPushButton) if b.text() == text and b.isVisible()
    )
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def _fill(page, folders, tmp_path):
    page.new.real.set_text(str(folders[0]))
    page.new.synthetic.set_text(str(folders[1]))
    page.new.path.set_text(str(tmp_path / "colon"))
    page.new.fields.readers.setText("anna, bert")
    page.new.fields.mpp.setValue(0.5)


def _make(qtbot, page, folders, tmp_path):
    _fill(page, folders, tmp_path)
    with qtbot.waitSignal(page.new.made, timeout=PATIENCE_MS):
        _click(qtbot, page, "Make study")


def test_make_read_and_close_a_study(
    qtbot, page, folders, tmp_path, monkeypatch, errors
):
    _save_picture(page, "page_empty")
    _make(qtbot, page, folders, tmp_path)
    assert page.study.text == str(tmp_path / "colon.histostudy.sqlite")
    assert [page.reader.itemText(n) for n in range(2)] == [
        "anna  ·  0 of 8",
        "bert  ·  0 of 8",
    ]
    _save_picture(page, "page_made")

    page.reader.setCurrentIndex(1)
    _click(qtbot, page, "Read")
    window = page.reader_window
    qtbot.waitExposed(window)
    qtbot.keyClick(window, Qt.Key.Key_Return)
    for _ in range(8):
        qtbot.waitUntil(lambda: window.picture.is_seen, timeout=PATIENCE_MS)
        qtbot.keyClick(window, Qt.Key.Key_S)
        qtbot.keyClick(window, Qt.Key.Key_2)
    qtbot.keyClick(window, Qt.Key.Key_Return)
    assert page.reader_window is None
    assert page.reader.currentText() == "bert  ·  8 of 8"

    page.truth.set_text(str(tmp_path / "colon.truth.json"))
    _click(qtbot, page, "Show results")
    assert page.table.cells.horizontalHeaderItem(1).text() == "bert"
    assert page.table.cells.item(1, 1).text() == "50.0 %"
    assert page.table.cells.item(1, 0).text() == "–"
    assert "does not show that the classes are indistinguishable" in (
        page.table.sentences.text()
    )
    page.resize(380, page.sizeHint().height())
    _save_picture(page, "page_results")

    target = tmp_path / "results.json"
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_arguments: (str(target), "")
    )
    _click(qtbot, page, "Save JSON …")
    assert json.loads(target.read_text())["readers"][1]["accuracy"]["count"] == 4
    assert errors == []


def test_window_stays_alive_while_a_study_is_made_and_can_be_stopped(
    qtbot, page, folders, tmp_path, monkeypatch
):
    go_on = Event()

    def wait_in_the_middle(plan):
        with closing(study.build_study(plan)) as steps:
            yield next(steps)
            assert go_on.wait(PATIENCE_MS / 1000)
            yield from steps

    _fill(page, folders, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(_study_new, "build_study", wait_in_the_middle)
        page.new.create()
        qtbot.waitUntil(lambda: page.new.work.progress is not None, timeout=PATIENCE_MS)
    assert page.new.work.isVisible()
    _save_picture(page, "page_making")
    _click(qtbot, page, "Stop")
    go_on.set()
    qtbot.waitUntil(lambda: not page.new.work.is_busy, timeout=PATIENCE_MS)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    _make(qtbot, page, folders, tmp_path)


def test_errors_are_shown_and_lose_nothing(qtbot, page, folders, tmp_path, errors):
    _click(qtbot, page, "Make study")
    assert errors == ["choose the folder of real pictures first"]
    (tmp_path / "empty").mkdir()
    _fill(page, (folders[0], tmp_path / "empty"), tmp_path)
    _click(qtbot, page, "Make study")
    qtbot.waitUntil(lambda: len(errors) == 2, timeout=PATIENCE_MS)
    assert "no picture in the folder" in errors[1]
    assert page.new.real.text == str(folders[0])
    _make(qtbot, page, folders, tmp_path)
    _click(qtbot, page, "Show results")
    assert "choose the truth file" in errors[2]
    other = study.create_study(tmp_path / "other", *folders)
    page.truth.set_text(str(other.truth))
    _click(qtbot, page, "Show results")
    assert "belongs to another study" in errors[3]
    assert not page.table.isVisible()


def test_a_file_that_is_no_study(qtbot, page, tmp_path):
    (tmp_path / "text.sqlite").write_text("text")
    page.study.set_text(str(tmp_path / "text.sqlite"))
    assert "is not a study" in page._about.text()
    (read,) = (b for b in page.findChildren(QPushButton) if b.text() == "Read")
    assert not read.isEnabled()
    _save_picture(page, "page_no_study")


def test_one_reading_window_at_a_time(qtbot, page, folders, tmp_path):
    _make(qtbot, page, folders, tmp_path)
    page.read()
    first = page.reader_window
    page.read()
    assert page.reader_window is first
    first.close()
    page.read()
    assert page.reader_window not in (None, first)


def test_results_of_another_study_are_not_left_standing(qtbot, page, folders, tmp_path):
    _make(qtbot, page, folders, tmp_path)
    page.truth.set_text(str(tmp_path / "colon.truth.json"))
    _click(qtbot, page, "Show results")
    assert page.table.isVisible()
    other = study.create_study(tmp_path / "other", *folders)
    page.study.set_text(str(other.study))
    assert not page.table.isVisible()


def test_from_folders_to_a_report_with_packs(
    qtbot, page, tmp_path, monkeypatch, errors
):
    def wait():
        qtbot.waitUntil(lambda: not owner.work.is_busy, timeout=PATIENCE_MS)
        assert errors == []

    owner, design = page.owner, page.owner.design
    folders = _draw(tmp_path / "bank", 6, 1), _draw(tmp_path / "machine", 6, 2)
    design.real.set_text(str(folders[0]))
    design.synthetic.set_text(str(folders[1]))
    design.folder.set_text(str(tmp_path / "colon"))
    design.fields.readers.setText("anna, bert")
    design.training.setValue(1)
    design.repeats.setValue(0)
    _click(qtbot, page, "Design")
    wait()
    assert "Check it for leaks next" in owner.state.text()
    _click(qtbot, page, "Check leaks")
    wait()
    assert "Lock it next" in owner.state.text()
    _save_picture(page, "page_checked")
    owner.override.setText("drawn by chance")
    _click(qtbot, page, "Lock")
    wait()
    assert "Locked" in owner.state.text()
    assert (tmp_path / "colon.key").exists()

    monkeypatch.setattr(
        QFileDialog, "getExistingDirectory", lambda *_arguments: str(tmp_path)
    )
    _click(qtbot, page, "Hand out …")
    wait()
    _save_picture(page, "page_packs")
    codes = dict(
        line.split(": ") for line in owner.outcome.text().splitlines() if ": " in line
    )
    assert len(codes) == 2
    for name, code in codes.items():
        reader = study.Study.open(tmp_path / name).readers[0].reader
        with study.Session.open(tmp_path / name, reader, code=code) as session:
            while (case := session.next()) is not None:
                session.answer(case.case_id, session.answered % 3 == 0, 2, 900)
    monkeypatch.setattr(
        QFileDialog,
        "getOpenFileNames",
        lambda *_arguments: ([str(tmp_path / name) for name in codes], ""),
    )
    _click(qtbot, page, "Take back …")
    wait()
    assert owner.outcome.text().count("taken") == 2
    report, opened = tmp_path / "report.html", []
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_arguments: (str(report), "")
    )
    monkeypatch.setattr(
        _study_packs.QDesktopServices, "openUrl", lambda url: opened.append(url)
    )
    _click(qtbot, page, "Report …")
    wait()
    assert [Path(url.toLocalFile()) for url in opened] == [report]
    assert "anna" in report.read_text(encoding="utf-8")


def test_a_pack_without_its_code_is_refused_in_the_window(qtbot, page, tmp_path):
    (tmp_path / "study").mkdir()
    pack = tmp_path / "anna.pack.histostudy.sqlite"
    code = make_pack(lock(tmp_path / "study"), pack)
    page.study.set_text(str(pack))
    page.read()
    window = page.reader_window
    assert "type the code that came with the pack" in window.message.text
    qtbot.keyClick(window, Qt.Key.Key_Return)
    assert page.reader_window is None
    page.code.setText(code)
    page.read()
    assert page.reader_window.message.title == "Colon"


def test_sample_study_and_power_curve(qtbot, page, tmp_path, monkeypatch, errors):
    owner = page.owner
    folder = tmp_path / "sample"
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *_arguments: (str(folder), "")
    )
    monkeypatch.setattr(
        _study_owner,
        "write_sample_study",
        lambda folder: write_sample_study(folder, slides=6),
    )
    _click(qtbot, page, "Sample …")
    qtbot.waitUntil(lambda: not owner.work.is_busy, timeout=PATIENCE_MS)
    assert errors == []
    assert "Locked" in owner.state.text()
    assert "you  ·  0 of" in page.reader.currentText()
    page.read()
    assert "drawn tissue" in page.reader_window.message.title
    page.reader_window.close()

    few = PowerPlan((2, 5), (20, 40), studies=40)
    monkeypatch.setattr(_study_owner, "resolve_power", lambda margin: few)
    _click(qtbot, page, "Power")
    qtbot.waitUntil(lambda: not owner.work.is_busy, timeout=PATIENCE_MS)
    assert errors == []
    assert "2 readers" in owner.outcome.text()
    assert owner.curve.isVisible()
    _save_picture(page, "page_power")
