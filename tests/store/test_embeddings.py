"""Embeddings on the disk: filled in, killed, gone on with; and as HDF5."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import h5py
import numpy as np
import pytest

from napari_histossl.errors import StoreError, StoreLockedError
from napari_histossl.store import Embeddings, EmbeddingsHeader, EmbeddingStore
from napari_histossl.store.embeddings_h5 import read_h5, write_h5

HEADER = EmbeddingsHeader(
    "a.svs", "f00", (4000, 6000), (0.25, 0.25), 256.0, "vit", "ab" * 32, {"seed": 1}
)


def positions(count, across=40):
    index = np.arange(count)
    return np.stack([index // across, index % across], 1) * 256


def features_of(rows, dimension=8):
    """What row r is filled with, told from its number."""
    return np.sin(np.asarray(rows)[:, None] * 1.7 + np.arange(dimension))


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "vit.zarr"
    with EmbeddingStore.create(path, HEADER, positions(1300), 8) as made:
        yield made


# ---- The folder ----


def test_rows_in_any_order(store, rng):
    order = rng.permutation(1300)
    for start in range(0, 1300, 100):
        rows = order[start : start + 100].tolist()
        store.write(rows, features_of(rows))
    assert store.done.all()
    with EmbeddingStore.open(store.path) as again:
        found = again.read()
    assert found.header == HEADER
    assert found.features.dtype == np.float32
    np.testing.assert_allclose(found.features, features_of(range(1300)), rtol=1e-6)
    np.testing.assert_array_equal(found.positions_px0, positions(1300))
    np.testing.assert_array_equal(found.centres_px0[0], [128, 128])


def test_only_what_is_done_is_read(store):
    with pytest.raises(StoreError, match="no embeddings yet"):
        store.read()
    rows = [5, 6, 7, 900, 1299]
    store.write(rows, features_of(rows))
    assert np.flatnonzero(store.done).tolist() == rows
    found = store.read()
    np.testing.assert_array_equal(found.positions_px0, positions(1300)[rows])
    np.testing.assert_allclose(found.features, features_of(rows), rtol=1e-6)


def test_going_on(store):
    store.write([1, 2], features_of([1, 2]))
    store.close()
    with EmbeddingStore.open(store.path, "r+") as again:
        again.write([0, 3], features_of([0, 3]))
        np.testing.assert_allclose(
            again.read().features, features_of(range(4)), rtol=1e-6
        )


def test_any_zarr_reader_reads_it(store):
    import zarr

    store.write([4], features_of([4]))
    group = zarr.open_group(store.path, mode="r")
    assert group.metadata.zarr_format == 3
    assert group["features"].shape == (1300, 8)
    assert np.isnan(group["features"][3]).all()
    np.testing.assert_allclose(group["features"][4], features_of([4])[0], rtol=1e-6)


def test_one_writer(store):
    with pytest.raises(StoreLockedError, match="being written"):
        EmbeddingStore.open(store.path, "r+")
    reader = EmbeddingStore.open(store.path)
    with pytest.raises(StoreError, match="not open for writing"):
        reader.write([0], features_of([0]))


def test_what_does_not_fit(store):
    cases = {
        "shape": ([0, 1], features_of([0, 1], 7)),
        "each row once": ([2, 2], features_of([2, 2])),
        "rows 0 to 1299": ([1300], features_of([1300])),
        "not finite": ([0], np.full((1, 8), np.nan)),
    }
    for words, (rows, features) in cases.items():
        with pytest.raises(StoreError, match=words):
            store.write(rows, features)
    assert not store.done.any()


def test_what_is_there_stays_there(store, tmp_path):
    store.close()
    with pytest.raises(StoreError, match="exists already"):
        EmbeddingStore.create(store.path, HEADER, positions(3), 8)
    with EmbeddingStore.create(
        store.path, HEADER, positions(3), 8, overwrite=True
    ) as new:
        assert len(new.positions_px0) == 3
    other = tmp_path / "other"
    other.mkdir()
    (other / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    (other / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="left alone"):
        EmbeddingStore.create(other, HEADER, positions(3), 8, overwrite=True)
    assert (other / "mine.txt").exists()


def test_a_beginning_that_a_crash_cut_off_is_begun_again(store):
    """The header is written last: without it nothing can have been computed."""
    store.close()
    about = json.loads((store.path / "zarr.json").read_text())
    about["attributes"] = {}
    (store.path / "zarr.json").write_text(json.dumps(about))
    with pytest.raises(StoreError, match="holds no embeddings"):
        EmbeddingStore.open(store.path)
    with EmbeddingStore.create(store.path, HEADER, positions(3), 8) as new:
        assert not new.done.any()


def test_folders_that_are_none(tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        EmbeddingStore.open(tmp_path / "absent.zarr")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError):
        EmbeddingStore.open(tmp_path / "empty")
    with pytest.raises(StoreError, match=r"\(N, 2\)"):
        EmbeddingStore.create(tmp_path / "x", HEADER, np.zeros((3, 3), int), 8)


_WRITE_UNTIL_KILLED = """
import sys, time
import numpy as np
from napari_histossl.store import EmbeddingStore
with EmbeddingStore.open(sys.argv[1], "r+") as store:
    for start in range(0, 1300, 5):
        rows = np.arange(start, min(start + 5, 1300))
        store.write(rows.tolist(), np.sin(rows[:, None] * 1.7 + np.arange(8)))
        print(start, flush=True)
        if start == 600:  # whoever kills late finds something left to do
            time.sleep(600)
"""


def test_a_kill_takes_nothing_that_was_marked(store):
    store.close()
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITE_UNTIL_KILLED, str(store.path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    said = [writer.stdout.readline() for _ in range(12)][-1]
    time.sleep(0.01)
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    with EmbeddingStore.open(store.path, "r+") as again:
        done = np.flatnonzero(again.done)
        assert len(done) >= int(said) + 5
        np.testing.assert_allclose(again.read().features, features_of(done), rtol=1e-6)
        left = np.flatnonzero(~again.done).tolist()
        again.write(left, features_of(left))
        np.testing.assert_allclose(
            again.read().features, features_of(range(1300)), rtol=1e-6
        )


# ---- HDF5 ----


@pytest.fixture
def embeddings():
    features = features_of(range(50)).astype(np.float32)
    return Embeddings(HEADER, features, positions(50) + np.array([3, 7]))


def test_there_and_back(embeddings, tmp_path):
    path = tmp_path / "a.h5"
    write_h5(embeddings, path)
    again = read_h5(path, slide_fingerprint="f00", model="vit")
    assert again.header == HEADER
    np.testing.assert_array_equal(again.features, embeddings.features)
    np.testing.assert_array_equal(again.positions_px0, embeddings.positions_px0)


def test_as_others_read_it(embeddings, tmp_path):
    write_h5(embeddings, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["features"].shape == (50, 8)
        assert file["features"].dtype == np.float32
        assert file["coords"].dtype == np.int32
        assert file["coords"][1].tolist() == [256 + 7, 3]  # x, then y
        said = dict(file["coords"].attrs)
    assert said["patch_size"] == 256
    assert said["patch_level"] == 0
    assert said["name"] == "a"
    assert said["level_dim"].tolist() == [6000, 4000]


def foreign(path, features, coords, **attributes):
    with h5py.File(path, "w") as file:
        if features is not None:
            file["features"] = features
        if coords is not None:
            file["coords"] = coords
            file["coords"].attrs.update(attributes)
    return path


def test_a_file_of_others(tmp_path):
    coords = np.array([[512, 0], [0, 1024]], np.int64)
    path = foreign(
        tmp_path / "b.h5", np.ones((2, 5), np.float16), coords,
        patch_size=256, downsample=(2.0, 2.0), level_dim=(6000, 4000), patch_level=0,
    )  # fmt: skip
    found = read_h5(path, model="resnet", slide_name="b.svs", mpp_yx=(0.5, 0.5))
    assert found.header.patch_px0 == 512
    assert found.header.slide_shape == (4000, 6000)
    assert found.header.identity == ("resnet", "")
    assert found.features.dtype == np.float32
    np.testing.assert_array_equal(found.positions_px0, [[0, 512], [1024, 0]])


def test_a_file_that_says_little(tmp_path):
    path = foreign(tmp_path / "c.h5", np.ones((2, 5)), np.zeros((2, 2), int))
    with pytest.raises(StoreError, match=r"edge of a patch.* and the model and the sl"):
        read_h5(path)
    found = read_h5(path, model="m", patch_px0=256, slide_shape=(900, 900))
    assert found.header.slide_name == "c"


WHOLE = {"patch_size": 256, "level_dim": (900, 900)}
BAD = {
    "has no 'coords'": (np.ones((2, 5)), None),
    "has no 'features'": (None, np.zeros((2, 2), int)),
    "features are": (np.ones((2, 5)), np.zeros((3, 2), int)),
    "N of at least 1": (np.ones((0, 5)), np.zeros((0, 2), int)),
    "1 of 2 are not finite": (
        np.array([[1.0, 2.0], [np.nan, 1.0]]),
        np.zeros((2, 2), int),
    ),
    "some are not": (np.ones((2, 5)), np.array([[0.5, 0.0], [1.0, 2.0]])),
    "outside of any slide": (np.ones((1, 5)), np.array([[1e12, 0.0]])),
    "not numbers": (np.array([[b"a", b"b"]]), np.zeros((1, 2), int)),
}


@pytest.mark.parametrize("words", BAD)
def test_files_that_are_refused(tmp_path, words):
    path = foreign(
        tmp_path / "bad.h5", *BAD[words], **(WHOLE if BAD[words][1] is not None else {})
    )
    with pytest.raises(StoreError, match=words):
        read_h5(path, model="m")


def test_files_that_are_none(embeddings, tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        read_h5(tmp_path / "absent.h5")
    (tmp_path / "empty.h5").touch()
    with pytest.raises(StoreError, match="not an HDF5 file"):
        read_h5(tmp_path / "empty.h5")
    write_h5(embeddings, tmp_path / "whole.h5")
    half = (tmp_path / "whole.h5").read_bytes()[:3000]
    (tmp_path / "half.h5").write_bytes(half)
    with pytest.raises(StoreError, match="fetch it again"):
        read_h5(tmp_path / "half.h5")


def test_files_that_reach_elsewhere(embeddings, tmp_path):
    write_h5(embeddings, tmp_path / "whole.h5")
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["features"] = h5py.ExternalLink("whole.h5", "/features")
        file["coords"] = np.zeros((50, 2), int)
    with pytest.raises(StoreError, match="has no 'features'"):
        read_h5(tmp_path / "link.h5", model="m")
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("features", (10**9, 384), "f4", chunks=(512, 384))
        file["coords"] = np.zeros((50, 2), int)
    with pytest.raises(StoreError, match="more than 8 GiB"):
        read_h5(tmp_path / "bomb.h5", model="m")


def test_what_a_file_says_is_not_talked_over(embeddings, tmp_path):
    write_h5(embeddings, tmp_path / "a.h5")
    with pytest.raises(StoreError, match=r"made from a\.svs"):
        read_h5(tmp_path / "a.h5", slide_fingerprint="another")
    with pytest.raises(StoreError, match="with the model vit, not resnet"):
        read_h5(tmp_path / "a.h5", model="resnet")


def test_a_folder_that_is_not_there(embeddings, tmp_path):
    with pytest.raises(StoreError, match="no folder"):
        write_h5(embeddings, tmp_path / "absent" / "a.h5")


def test_headers_that_say_nothing():
    with pytest.raises(StoreError, match="larger than 0 px"):
        replace(HEADER, patch_px0=0.0)
    with pytest.raises(StoreError, match="in a header"):
        EmbeddingsHeader.from_json({"model": "vit"})
    assert EmbeddingsHeader.from_json(HEADER.to_json()) == HEADER
