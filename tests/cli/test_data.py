"""`napari-histossl data`: from the shell to the files."""

import pytest
from typer.testing import CliRunner

from napari_histossl.cli import app
from napari_histossl.errors import DataSetError


def run(*arguments):
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def test_draw_says_what_it_drew(tmp_path):
    result = run("draw", tmp_path / "set", "--slides", 1)
    assert result.exit_code == 0, result.output
    assert "train: 25 patches" in result.output
    again = run("draw", tmp_path / "set")
    assert isinstance(again.exception, DataSetError)
    with pytest.raises(DataSetError, match="name a new folder"):
        raise again.exception


def test_check_says_what_is_wrong_and_fails(tmp_path):
    assert run("draw", tmp_path / "set", "--slides", 1).exit_code == 0
    bad = min((tmp_path / "set" / "val" / "img").iterdir())
    bad.write_bytes(bad.read_bytes()[:300])
    result = run("check", tmp_path / "set")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert f"{bad} cannot be read as a picture" in lines[0]
    assert lines[-1].startswith("train 25, val 25, test 25: ")
    empty = run("check", tmp_path)
    assert isinstance(empty.exception, DataSetError)


def test_tiles_of_panda(panda, tmp_path):
    options = ("--layout", "karolinska", "--tile-px", 100, "--tissue", 0.5)
    result = run("tiles", panda, tmp_path / "tiles", *options)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    part, count = line.split(": ")
    tiles = list((tmp_path / "tiles" / "ann_dir" / part).glob("*_mask.png"))
    assert count == f"{len(tiles)} tiles"
    again = run("tiles", tmp_path / "tiles", tmp_path / "more")
    assert "expected slides with masks" in str(again.exception)
