"""Commands, run in the process of the tests."""

from types import SimpleNamespace

import pytest

from napari_histossl.cli import main


@pytest.fixture
def shell(capsys):
    """Run a command: exit code, output, errors."""

    def call(*arguments):
        try:
            main([*map(str, arguments)])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return call


@pytest.fixture
def run_study(shell):
    """Run one of the commands of studies: exit code, output on one line, errors."""

    def call(*arguments):
        done = shell("study", *arguments)
        return done.code, " ".join(done.out.split()), done.err

    return call
