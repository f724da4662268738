"""Small pictures and patches to learn from, and one thread."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.classes import BCSS_CLASSES


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


COLOURS = ((160, 60, 130), (230, 130, 170), (60, 40, 120), (200, 120, 60))
WHITE = 4


class DrawnPatches:
    """Patches of 32 px: halves of two classes, each with its colour and grain."""

    def __init__(self, count=16, seed=0, edge=32, masks=True):
        rng = np.random.default_rng(seed)
        self.classes, self.mpp, self.exclude_index = BCSS_CLASSES, 1.0, WHITE
        self.names = tuple(f"patch{index}.png" for index in range(count))
        self.groups = self.names
        self.labels = np.zeros((count, 4), np.uint8)
        self._images, self._masks, self._has_masks = [], [], masks
        for index in range(count):
            classes = (index % 4, (index // 4 + index) % 4)
            mask = np.full((edge, edge), classes[0], np.uint8)
            mask[:, edge // 2 :] = classes[1]
            image = np.array(COLOURS)[mask] + rng.normal(0, 12, (edge, edge, 3))
            image[:4], mask[:4] = 250, WHITE
            self.labels[index, list(classes)] = 1
            self._images.append(image.clip(0, 255).astype(np.uint8))
            self._masks.append(mask)

    def __len__(self):
        return len(self.names)

    def image(self, index):
        return self._images[index]

    def mask(self, index):
        return self._masks[index] if self._has_masks else None


@pytest.fixture(scope="session")
def drawn_patches():
    """What makes such patches: ``drawn_patches(16, seed=0)``."""
    return DrawnPatches
