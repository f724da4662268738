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
