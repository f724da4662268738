"""The scripts behind make: they say what is missing, and they end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / ".ci"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the scripts act on Linux only"
)


def run(*command: object, **options) -> subprocess.CompletedProcess[str]:
    words = [*map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


class Machine:
    """A PATH on which apt, dpkg, sudo and id are what a test says they are.

    apt-get writes what it was asked into a log and then behaves as told.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "apt.log"
        self.has(missing=())
        self.is_user(0)
        self.apt_ends_with(0)

    def program(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def has(self, missing: tuple[str, ...]) -> None:
        cases = "|".join(missing) or "nothing"
        self.program(
            "dpkg-query",
            f'for n; do :; done; case "${{n%t64}}" in {cases}) exit 1;; esac; '
            f"printf installed",
        )

    def is_user(self, number: int) -> None:
        self.program("id", f"echo {number}")
        self.program("sudo", "exit 1")

    def apt_ends_with(self, code: int) -> None:
        self.program("apt-get", f'echo "$@" >> {self.log}; exit {code}')

    def set_up(self, *packages: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        script = SCRIPTS / "system-packages"
        return run(script, *packages, env=os.environ | {"PATH": path})

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


# ---- System packages ----


def test_nothing_missing_says_nothing_and_asks_nobody(machine: Machine) -> None:
    done = machine.set_up()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.asked() == []


def test_missing_packages_alone_are_installed(machine: Machine) -> None:
    machine.has(missing=("xvfb", "libegl1"))
    assert machine.set_up().returncode == 0
    update, install = machine.asked()
    assert update.split()[-1] == "update"
    assert install.split()[-4:] == [
        "install",
        "--no-install-recommends",
        "xvfb",
        "libegl1",
    ]


def test_renamed_library_counts_as_installed(machine: Machine) -> None:
    machine.program(
        "dpkg-query",
        'for n; do :; done; [ "$n" = libglib2.0-0 ] && exit 1; printf installed',
    )
    machine.set_up()
    assert machine.asked() == []


def test_without_the_right_to_install_one_line_says_what_to_run(
    machine: Machine,
) -> None:
    machine.has(missing=("xauth",))
    machine.is_user(1000)
    done = machine.set_up()
    assert done.returncode == 0
    assert machine.asked() == []
    (line,) = done.stderr.splitlines()
    assert "sudo apt-get install -y --no-install-recommends xauth" in line


def test_failed_installation_does_not_stop_the_set_up(machine: Machine) -> None:
    machine.has(missing=("xauth",))
    machine.apt_ends_with(100)
    done = machine.set_up()
    assert done.returncode == 0
    assert "could not be installed; please run: sudo" in done.stderr


# ---- The environment ----


def test_old_python_is_named(tmp_path: Path) -> None:
    done = run(
        SCRIPTS / "venv",
        tmp_path / "venv",
        "all",
        env=os.environ | {"PYTHON": "no-such-python"},
        cwd=ROOT,
    )
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_torch_is_pinned_without_a_build_of_its_own() -> None:
    """A local build such as +cpu would only be found where it was made."""
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    assert [pin for pin in pins if pin.startswith("torch==")] == ["torch==2.13.0"]
    assert not [pin for pin in pins if "+" in pin and not pin.startswith("#")]
    assert not [pin for pin in pins if "@" in pin or "://" in pin]


# ---- The virtual screen ----

needs_xvfb = pytest.mark.skipif(
    shutil.which("xvfb-run") is None, reason="needs xvfb-run"
)


@needs_xvfb
def test_command_gets_a_screen_and_settings_of_its_own() -> None:
    script = 'echo "$DISPLAY|$QT_QPA_PLATFORM|$NAPARI_CONFIG"; exit 7'
    done = run(SCRIPTS / "with-display", "sh", "-c", script)
    display, platform, settings = done.stdout.strip().split("|")
    assert done.returncode == 7
    assert display.startswith(":")
    assert platform == "xcb"
    assert not Path(settings).parent.exists()


@needs_xvfb
def test_command_that_hangs_is_ended() -> None:
    done = run(SCRIPTS / "with-display", "--limit", 3, "sleep", 600)
    assert done.returncode == 124
    assert "not finished after 3 s" in done.stderr
