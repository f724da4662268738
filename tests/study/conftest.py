"""Drawn folders of pictures and small studies."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_histossl import study

sys.path.insert(0, str(Path(__file__).parent))


def draw_pictures(folder: Path, count: int, seed: int, size_px: int = 24) -> Path:
    """Fill a new folder with different noisy pictures."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    for number in range(count):
        pixels = rng.integers(0, 256, (size_px, size_px, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"picture{number}.png")
    return folder


@pytest.fixture
def folders(tmp_path):
    """A real and a synthetic folder of 10 pictures each."""
    return (
        draw_pictures(tmp_path / "tumour-bank", 10, seed=1),
        draw_pictures(tmp_path / "generator-v3", 10, seed=2),
    )


@pytest.fixture
def files(tmp_path, folders):
    """A study of 20 pictures for two readers."""
    return study.create_study(
        tmp_path / "colon", *folders, readers=("anna", "bert"), seed=7
    )


def answer_all(study_path: Path, reader: str, said_synthetic=lambda case: True) -> None:
    """Read a study to its end."""
    with study.Session.open(study_path, reader) as session:
        while (case := session.next()) is not None:
            session.answer(case.case_id, said_synthetic(case), 2, 700)


@pytest.fixture(name="draw_pictures")
def _draw_pictures():
    return draw_pictures


@pytest.fixture(name="answer_all")
def _answer_all():
    return answer_all


@pytest.fixture(scope="module")
def module_pictures(tmp_path_factory):
    """A real and a synthetic folder of 400 tiny pictures each."""
    folder = tmp_path_factory.mktemp("pictures")
    return (
        draw_pictures(folder / "real", 400, seed=3, size_px=6),
        draw_pictures(folder / "synthetic", 400, seed=4, size_px=6),
    )
