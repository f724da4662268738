"""Bad input from a shell: one sentence with a way out, exit code 1, nothing lost."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REAL = (
    Path(__file__).parents[3] / "shared" / "data" / "slides" / "CMU-1-Small-Region.svs"
)


def run(*words, timeout=280):
    """Run the program as a shell does; return exit code and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "napari_histossl", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return done.returncode, done.stdout, done.stderr


def refused(*words):
    """Run a command that must fail, and return its one sentence."""
    code, out, said = run(*words)
    assert code == 1, (code, out, said)
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, said
    return lines[0]


class Bomb:
    """A pickle that leaves a file where it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def picture(tmp_path):
    """A picture of tissue-like colour, 0.5 um/px unless said otherwise."""
    path = tmp_path / "picture.png"
    pixels = np.random.default_rng(0).integers(60, 220, (300, 300, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_a_missing_file(tmp_path):
    assert "absent.svs" in refused("info", tmp_path / "absent.svs")


def test_a_text_file_named_svs(tmp_path):
    path = tmp_path / "notes.svs"
    path.write_text("remember the milk")
    assert "notes.svs" in refused("tissue", path)
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not REAL.exists(), reason="the real slide is not here")
def test_a_truncated_slide(tmp_path):
    path = tmp_path / "half.svs"
    path.write_bytes(REAL.read_bytes()[: REAL.stat().st_size // 2])
    assert "half.svs" in refused("info", path)


def test_an_empty_folder_of_pictures(tmp_path):
    for name in ("real", "drawn"):
        (tmp_path / name).mkdir()
    sentence = refused(
        "study",
        "create",
        tmp_path / "s",
        "--real",
        tmp_path / "real",
        "--synthetic",
        tmp_path / "drawn",
        "--reader",
        "ada",
    )
    assert "real" in sentence
    assert not list(tmp_path.glob("s*"))


@pytest.mark.torch
def test_a_checkpoint_of_another_architecture(tmp_path, picture):
    torch = pytest.importorskip("torch")
    path = tmp_path / "other.pth"
    torch.save({"teacher": {"backbone.conv1.weight": torch.zeros(8, 3, 3, 3)}}, path)
    sentence = refused(
        "attention", picture, "--mpp", 0.5, "--weights", path, "--model", "vit"
    )
    assert "other.pth" in sentence
    assert "cls_token" in sentence


@pytest.mark.torch
def test_a_pickle_that_is_not_a_checkpoint_does_not_run(tmp_path, picture):
    path, trace = tmp_path / "bomb.pth", tmp_path / "it_ran"
    path.write_bytes(pickle.dumps(Bomb(trace)))
    sentence = refused(
        "attention", picture, "--mpp", 0.5, "--weights", path, "--model", "vit"
    )
    assert "bomb.pth" in sentence
    assert not trace.exists()


def test_a_slide_without_tissue(tmp_path):
    path = tmp_path / "blank.png"
    Image.fromarray(np.full((600, 600, 3), 245, np.uint8)).save(path)
    assert "no tissue" in refused("attention", path, "--mpp", 0.5)


def test_a_slide_without_scale_says_how_to_give_it(picture):
    assert "--mpp" in refused("attention", picture)
    code, out, said = run("info", picture)
    assert code == 0
    assert "--mpp" in said
    assert "300 × 300 px" in out


def test_a_mask_that_exists_is_not_overwritten(picture, tmp_path):
    words = ("mask", "create", picture, "--workspace", tmp_path, "--name", "m")
    assert run(*words)[0] == 0
    assert "m" in refused(*words)
