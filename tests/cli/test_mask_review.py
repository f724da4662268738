"""`napari-histossl mask review`, `comments`, `sign`, `unlock`."""

from functools import partial

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate.formats.geojson import read
from napari_histossl.geometry import Box
from napari_histossl.store.paths import mask_path, results_folder


@pytest.fixture
def run(shell):
    """Run one of the commands of masks."""
    return partial(shell, "mask")


@pytest.fixture
def masks(tiny_tiff):
    """Two masks on the drawn slide; in the second one nest is of another class."""
    labels = np.zeros((700, 900), np.uint8)
    labels[100:200, 100:200], labels[400:450, 300:380] = 1, 2
    folder, paths = results_folder(tiny_tiff), []
    for name in ("mine", "theirs"):
        path = mask_path(folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        MaskStore.create(path, labels.shape, 0.5, base=labels).close()
        labels[400:450, 300:380] = 3
        paths.append(path)
    return paths


def test_objects_and_differences_are_listed(run, tiny_tiff, masks):
    listed = run("review", tiny_tiff, masks[0])
    assert listed.code == 0, listed.err
    assert "2 objects, 0 decided" in listed.out
    assert "0.0025" in listed.out
    differs = run("review", tiny_tiff, masks[0], "--against", masks[1])
    assert differs.code == 0, differs.err
    assert "1 object," in differs.out
    assert "stroma → lymphocytes" in differs.out
    nothing = run("review", tiny_tiff, masks[0], "no such overlay")
    assert nothing.code == 1
    assert "no such overlay" in nothing.err


def test_a_signature_locks_and_is_lifted(run, masks, tmp_path):
    signed = run("sign", masks[0], "--statement", "final", "--author", "Dr Ada")
    assert "signed and locked; entry 2" in signed.out
    with MaskStore.open(masks[0]) as mask:
        assert mask.signatures()[0].author == "Dr Ada"
        mask.comment(Box(0, 0, 50, 50), "pen", author="bo")
    written = tmp_path / "comments.geojson"
    assert "pen" in run("comments", masks[0], "--geojson", written).out
    (shape,) = read(written)
    assert shape.name.startswith("pen (bo, 20")
    assert shape.box == Box(0, 0, 50, 50)
    assert "as they were written" in run("verify", masks[0]).out
    assert "comment" in run("log", masks[0]).out
    refused = run("unlock", masks[0], 1)
    assert refused.code == 1
    assert "no signature that stands" in refused.err
    assert "unlocked; entry 4" in run("unlock", masks[0], 2).out
