"""A study from design to readings, by commands alone."""

import re

import numpy as np
import pytest
from PIL import Image

from napari_histossl import study


def _draw(folder, count, seed):
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"p{number // 2}_{number}.png")
    return folder


@pytest.fixture
def arguments(tmp_path):
    real = _draw(tmp_path / "bank", 18, 1)
    first, second = _draw(tmp_path / "gan", 9, 2), _draw(tmp_path / "vae", 9, 3)
    return (
        "design", tmp_path / "colon", "--real", real, "--synthetic", first,
        "--synthetic", f"flow={second}", "--reader", "anna", "--reader", "bert",
        "--count", "16", "--training", "2", "--repeats", "0.06", "--mpp", "0.5",
        "--cluster", r"^(p\d+)_", "--title", "Colon",
    )  # fmt: skip


def test_design_to_readings(run_study, arguments, tmp_path):
    folder = tmp_path / "colon"
    code, out, err = run_study(*arguments)
    assert code == 0, err
    assert "next: napari-histossl study check" in out
    code, _, err = run_study("lock", folder)
    assert code == 1
    assert "was not checked for leaks" in err
    code, out, _ = run_study("check", folder)
    assert code == 0
    assert "DCT energy" in out
    assert "16 real and 16 synthetic pictures" in out
    code, out, _ = run_study("lock", folder, "--override", "noise")
    assert code == 0
    assert "keep it apart" in out
    out_folder = tmp_path / "out"
    out_folder.mkdir()
    code, out, _ = run_study("pack", folder, "--reader", "anna", "--out", out_folder)
    assert code == 0
    typed = re.search(r"code (\S+), to be sent", out).group(1)
    (pack,) = out_folder.iterdir()
    with study.Session.open(pack, "anna", code=typed.lower()) as session:
        assert (session.total, session.training, session.title) == (38, 4, "Colon")
        for _ in range(38):
            session.answer(session.next().case_id, True, 2, 900)
    code, out, _ = run_study("verify", pack)
    assert (code, out[-5:]) == (0, "whole")
    code, out, _ = run_study("merge", folder, pack)
    assert (code, out) == (0, "anna: 38 answers, taken")
    code, out, _ = run_study("simulate", folder, "--d-prime", "2")
    assert (code, out) == (0, "bert: 38 simulated answers")
    assert run_study("verify", folder, "--key", tmp_path / "colon.key")[1] == "whole"
    readings = study.read_readings(
        study.read_lock(study.open_folder(folder)), tmp_path / "colon.key"
    )
    kinds = [one.kind for one in readings if one.reader == "anna"]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "training": 4,
        "test": 32,
        "repeat": 2,
    }
    assert {one.generator for one in readings} == {"", "gan", "flow"}
    assert len({one.cluster for one in readings if not one.synthetic}) == 9


def test_what_is_wrong_is_one_sentence(run_study, arguments, tmp_path):
    protocol = tmp_path / "protocol.json"
    protocol.write_text('{"hypothesis": "typing error"}')
    for more, words in (
        (("--protocol", protocol), "a protocol has no 'hypothesis'"),
        (("--margin", "0.6"), "margin of equivalence"),
        (("--count", "17"), "the design needs 19 pictures of bank"),
        (("--cluster", "slide"), "has 0 groups; expected one"),
    ):
        code, _, err = run_study(*arguments, *more)
        assert code == 1
        assert words in err
        assert not (tmp_path / "colon").exists()
    for command in (("check",), ("lock",), ("verify",)):
        code, _, err = run_study(*command, tmp_path)
        assert code == 1
        assert "not the folder of a designed study" in err


def test_simulated_readers_of_a_study_file(run_study, tmp_path):
    folders = _draw(tmp_path / "a", 6, 1), _draw(tmp_path / "b", 6, 2)
    files = study.create_study(tmp_path / "plain", *folders, readers=("a", "b"))
    assert run_study("simulate", files.study)[0] == 2
    code, out, _ = run_study("simulate", files.study, "--truth", files.truth)
    assert (code, out) == (0, "a: 12 simulated answers b: 12 simulated answers")
    assert run_study("verify", files.study)[0] == 0
    assert study.Study.open(files.study).reader("a").answered == 12
    code, out, _ = run_study("simulate", files.study, "--truth", files.truth)
    assert code == 0
    assert "nobody was simulated" in out
