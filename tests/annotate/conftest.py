from pathlib import Path

import pytest

from napari_histossl.annotate import MaskStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a mask may be made; blanks and accents are part of ordinary names."""
    folder = tmp_path / "Präparat 7.svs.histossl" / "masks"
    folder.mkdir(parents=True)
    return folder / "nester é.ome.zarr"


@pytest.fixture
def mask(path: Path):
    """An empty mask of 700 x 600 px: two levels."""
    with MaskStore.create(path, (700, 600), 0.5) as store:
        yield store
