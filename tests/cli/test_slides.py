"""`napari-histossl info`, `tissue` and `sample`: what they print, write and refuse."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from napari_histossl.cli import main
from napari_histossl.slide import open_slide
from napari_histossl.store import Pyramid


@pytest.fixture
def run(capsys):
    """Run a command in this process: exit code, output, errors."""

    def call(*arguments):
        try:
            main([str(argument) for argument in arguments])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_info_says_what_a_slide_is(run, tiny_tiff):
    code, out, err = run("info", tiny_tiff)
    assert code == 0
    assert "900 × 700 px" in out
    assert "0.5 µm" in out
    assert "downsample 1, 2" in out
    assert open_slide(tiny_tiff).source.fingerprint[:16] in out
    assert err == ""


def test_info_says_how_to_give_a_missing_scale(run, tmp_path, tissue_picture):
    Image.fromarray(tissue_picture).save(tmp_path / "ä.png")
    code, out, err = run("info", tmp_path / "ä.png")
    assert code == 0
    assert "unknown" in out
    assert "--mpp" in err
    code, out, err = run("info", tmp_path / "ä.png", "--mpp", "0.25")
    assert "0.25 µm" in out
    assert err == ""


def test_info_all_lists_the_properties(run, tiny_tiff):
    assert "format" not in run("info", tiny_tiff)[1]
    assert "format" in run("info", tiny_tiff, "--all")[1]


@pytest.mark.parametrize("command", ["info", "tissue"])
def test_what_is_not_a_slide_is_one_sentence_and_a_code(run, tmp_path, command):
    (tmp_path / "text.svs").write_text("hello")
    for name, sentence in [
        ("none.svs", "does not exist"),
        ("text.svs", "is not a slide"),
        ("", "is a folder"),
    ]:
        code, out, err = run(command, tmp_path / name)
        assert code != 0
        assert out == ""
        assert err.startswith("error: ")
        assert sentence in err
        assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["text.svs"]


def test_tissue_is_found_saved_and_kept(run, tmp_path, tiny_tiff):
    code, out, _ = run("tissue", tiny_tiff)
    assert code == 0
    assert "tissue 3" in out  # a disc of 38 %
    path = tmp_path / "tiny.tif.histossl" / "tissue.ome.zarr"
    labels = Pyramid.open(path).read(Pyramid.open(path).levels[0].box)
    assert 0.33 < (labels == 1).mean() < 0.44
    code, _, err = run("tissue", tiny_tiff)
    assert code == 1
    assert "may hold corrections" in err
    assert run("tissue", tiny_tiff, "--overwrite")[0] == 0


def test_tissue_of_an_empty_slide_is_no_error(run, tmp_path):
    Image.fromarray(np.full((300, 300, 3), 240, np.uint8)).save(tmp_path / "a.png")
    code, out, _ = run("tissue", tmp_path / "a.png", "--out", tmp_path / "t.ome.zarr")
    assert code == 0
    assert "tissue 0.0%, glass 100.0%" in out
    assert (tmp_path / "t.ome.zarr").is_dir()


def test_a_drawn_slide_is_written_and_opens(run, tmp_path):
    out_file = tmp_path / "drawn.svs"
    arguments = ("--seed", 3, "--height", 600, "--width", 700, "--mpp", 1)
    code, out, _ = run("sample", "write", out_file, *arguments)
    assert code == 0
    assert "drawn.svs" in out
    with open_slide(out_file) as slide:
        assert slide.levels[0].shape == (600, 700)
        assert slide.mpp_yx == pytest.approx((1, 1))
        assert slide.properties["openslide.vendor"] == "aperio"


def test_sample_path_is_a_folder(run):
    code, out, _ = run("sample", "path")
    assert code == 0
    assert out.strip().endswith("sample_data")
