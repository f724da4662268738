"""Hundreds of kills of a reading process; the quick form is in tests/study."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_histossl import study

pytestmark = pytest.mark.soak

KILLS = 200


def _quick_form():
    path = Path(__file__).parents[1] / "study" / "test_kill.py"
    spec = importlib.util.spec_from_file_location("study_kill", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _draw(folder, count, seed):
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (6, 6, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_two_hundred_kills_lose_no_confirmed_answer(tmp_path):
    # Enough pictures that the reader is still busy at the last kill.
    folders = (_draw(tmp_path / "a", 8000, 1), _draw(tmp_path / "b", 8000, 2))
    files = study.create_study(tmp_path / "long", *folders, readers=("anna",))
    _quick_form().kill_again_and_again(files.study, KILLS, longest_s=0.1)
    with study.Session.open(files.study, "anna") as session:
        assert session.answered < session.total
