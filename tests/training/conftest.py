"""Small pictures to learn from, and one thread."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _one_thread():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def discs():
    """24 pictures of discs of several sizes and densities on pink ground, 48 px."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :48]
    pictures = np.full((24, 48, 48, 3), (230, 180, 210), np.uint8)
    for index, picture in enumerate(pictures):
        for y, x in rng.uniform(0, 48, (4 + 8 * (index % 3), 2)):
            inside = (rows - y) ** 2 + (columns - x) ** 2 < (3 + index % 3) ** 2
            picture[inside] = (90, 60, 130)
    noise = rng.integers(0, 12, pictures.shape, dtype=np.uint8)
    return pictures - noise
