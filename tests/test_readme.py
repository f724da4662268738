"""What the README says is so: commands, options, make targets, Python."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from napari_histossl.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of a language, long lines joined."""
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    return [block.replace("\\\n", " ") for block in found]


def command_lines() -> list[str]:
    """Return every use of the program: in shell blocks and between backticks."""
    lines = "\n".join(blocks("sh") + blocks("powershell")).splitlines()
    lines += re.findall(r"`([^`\n]+)`", README)
    found = (re.search(r"(?:^|[/\\])(napari-histossl .*)", line) for line in lines)
    return sorted({match[1] for match in found if match})


def follow(words: list[str]) -> Iterator[object]:
    """Yield the program and each command that the words pick, one inside the other."""
    command: object = typer.main.get_command(app)
    yield command
    for word in words:
        children = getattr(command, "commands", None)
        if children is None:
            return
        assert word in children, f"no command {word!r}; there are {sorted(children)}"
        command = children[word]
        yield command


@pytest.mark.parametrize("line", command_lines())
def test_command_and_its_options_exist(line: str) -> None:
    words = line.split()[1:]
    *_, command = follow([word for word in words if not word.startswith("-")])
    known = {"--help", *(o for p in command.params for o in p.opts + p.secondary_opts)}
    assert {word for word in words if word.startswith("-")} <= known


def test_every_command_is_listed() -> None:
    commands = typer.main.get_command(app).commands
    listed = {line.split()[1] for line in command_lines()}
    assert listed >= set(commands)


def test_make_targets_exist() -> None:
    targets = set(
        re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )
    named = set(re.findall(r"(?:^|`)make ([a-z]+)(?:`|$)", README, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_files_that_are_named_exist() -> None:
    linked = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    missing = [name for name in linked if not (ROOT / name).exists()]
    assert not missing


def test_system_packages_are_those_that_are_installed() -> None:
    script = (ROOT / ".ci" / "system-packages").read_text()
    wanted = re.search(r'^WANTED="([^"$]*)', script, re.MULTILINE)
    (line,) = [b for b in blocks("sh") if "apt-get install" in b]
    assert set(wanted[1].split()) <= set(line.split())


def test_python_runs(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    for block in blocks("python"):
        command = [sys.executable, "-c", block]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
