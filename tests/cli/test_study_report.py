"""Power before a study and its report after, by commands."""

import json
from xml.etree import ElementTree

import pytest
from PIL import Image

from napari_histossl import study


def test_power_says_what_two_readers_can_show(run_study, tmp_path):
    options = ("--readers", "10,2", "--cases", "100", "--studies", "300")
    code, out, err = run_study("power", *options, "--figure", "accuracy")
    assert code == 0, err
    assert "2 readers show equivalence to chance (margin 0.1 on the accuracy)" in out
    assert "2 readers are too few for it" in out
    code, out, _ = run_study("power", *options, "--difference", "0.8")
    assert code == 0
    assert "is not chance if the truth is 0.8" in out
    code, *_ = run_study("power", *options, "--svg", tmp_path / "power.svg")
    assert code == 0
    drawing = ElementTree.parse(tmp_path / "power.svg")
    assert "10 readers" in "".join(drawing.getroot().itertext())
    code, _, err = run_study("power", *options, "--svg", tmp_path / "no" / "power.svg")
    assert code == 1
    assert "could not be written" in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--figure", "f1"), "no figure of merit 'f1'"),
        (("--readers", "1"), "fewer than 2"),
        (("--readers", "two"), "whole numbers"),
        (("--cases", "7"), "even number"),
    ],
)
def test_impossible_designs_are_told(run_study, options, message):
    code, _, err = run_study("power", *options)
    assert code != 0
    assert message in err


def _draw(folder, grey):
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (8, 8), (grey, 10 * number, 90)).save(folder / f"{number}.png")
    return folder


def test_report_of_a_study_file(run_study, tmp_path):
    real, made = _draw(tmp_path / "real", 200), _draw(tmp_path / "made", 100)
    files = study.create_study(tmp_path / "a", real, made, readers=("anna", "bert"))
    run_study("simulate", files.study, "--truth", files.truth)
    out, ratings = tmp_path / "report.html", tmp_path / "a.imrmc"
    code, _, err = run_study("report", files.study, out)
    assert code != 0
    assert "--truth" in err
    table = tmp_path / "a.csv"
    exports = ("--imrmc", ratings, "--csv", table)
    code, printed, err = run_study(
        "report", files.study, out, "--truth", files.truth, *exports
    )
    assert code == 0, err
    assert "report.json" in printed
    assert out.read_text().startswith("<!DOCTYPE html>")
    assert json.loads(out.with_suffix(".json").read_text())["flow"]["used"] == 24
    assert "NR: 2" in ratings.read_text()
    head, *rows = table.read_text().splitlines()
    assert head.startswith("reader,case_id,synthetic,said_synthetic,confidence")
    assert len(rows) == 24
    assert {row.split(",")[-1] for row in rows} <= set("123456")
