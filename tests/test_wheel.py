"""The built wheel holds the sample slide and opens it, away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

OPEN_THE_SAMPLE = """
from pathlib import Path
import napari_histossl
from napari_histossl.resources import sample_folder

package = Path(napari_histossl.__file__).parent
folder = sample_folder()
assert folder.is_relative_to(package), (folder, package)
with napari_histossl.open_slide(folder / "sample.svs") as slide:
    picture = slide.read(napari_histossl.Box(0, 0, 64, 64), len(slide.levels) - 1)
    print(package, picture.shape, slide.mpp_yx is not None)
"""


def run(*command: object, **options) -> str:
    """Run a command; what it says is part of the failure when it fails."""
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("build", reason="the build package comes with [test]")
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--wheel", "--no-isolation", "--outdir", folder)
    run(sys.executable, "-m", "build", *options, ROOT)
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_holds_what_a_user_needs_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    template = "study/report.html.jinja"
    sample = "sample_data/sample.svs"
    for path in ("__init__.pyi", "py.typed", "napari.yaml", sample, template):
        assert f"napari_histossl/{path}" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"napari_histossl"}


def test_installed_wheel_opens_the_sample(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    options = ("--no-deps", "--no-index", "--no-compile", "--target", site)
    run(sys.executable, "-m", "pip", "install", "--quiet", *options, wheel)
    said = run(
        sys.executable,
        "-c",
        OPEN_THE_SAMPLE,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(site)},
    )
    assert said.split() == [str(site / "napari_histossl"), "(64,", "64,", "3)", "True"]
