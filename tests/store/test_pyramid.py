from __future__ import annotations

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
import zarr

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.errors import GeometryError, StoreError, StoreLockedError
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid, priority_reducer
from napari_histossl.store._chunks import ChunkFiles, ZarrBoxes

SHAPE = (1301, 1777)


def labels_pyramid(folder, shape=SHAPE, **options):
    options = {"reducer": "priority", "pixel_um_yx": (0.5, 0.5)} | options
    return Pyramid.create(
        folder / "mask.ome.zarr",
        shape=shape,
        dtype=np.uint8,
        is_label=True,
        classes=DEFAULT_CLASSES,
        **options,
    )


def reduced(plane, reduce):
    """Halve a whole plane by brute force, edges repeated."""
    margins = [(0, length % 2) for length in plane.shape]
    return reduce(np.pad(plane, margins, mode="edge"))


def test_levels_halve_and_round_up(tmp_path):
    with labels_pyramid(tmp_path) as pyramid:
        assert [level.shape for level in pyramid.levels] == [
            (1301, 1777),
            (651, 889),
            (326, 445),
        ]
        assert [level.downsample for level in pyramid.levels] == [1, 2, 4]


def test_many_writes_and_refreshes_equal_a_plain_array(tmp_path, rng):
    expected = np.zeros(SHAPE, np.uint8)
    reduce = priority_reducer(DEFAULT_CLASSES)
    with labels_pyramid(tmp_path, chunk_px=256) as pyramid:
        for _ in range(60):
            y, x = rng.integers(0, SHAPE)
            height = int(min(rng.integers(1, 400), SHAPE[0] - y))
            width = int(min(rng.integers(1, 400), SHAPE[1] - x))
            box = Box(int(y), int(x), height, width)
            data = rng.integers(0, 6, box.shape).astype(np.uint8)
            data[rng.random(box.shape) < 0.5] = 0
            expected[box.slices] = data
            pyramid.write(box, data)
            pyramid.refresh(box)
    for mode in ("r", "r+"):
        with Pyramid.open(pyramid.path, mode) as pyramid:
            level_pixels = expected
            for index, level in enumerate(pyramid.levels):
                assert np.array_equal(pyramid.read(level.box, index), level_pixels)
                # zarr itself, with nothing of ours in between, sees the same
                assert np.array_equal(pyramid.arrays[index][:], level_pixels)
                level_pixels = reduced(level_pixels, reduce)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float16", "int32"])
@pytest.mark.parametrize("fill_value", [0, 7, np.nan])
def test_the_short_way_to_chunks_equals_zarrs_own(tmp_path, rng, dtype, fill_value):
    if np.isnan(fill_value) and np.dtype(dtype).kind != "f":
        fill_value = 3
    options = {"shape": (2, 301, 277), "dtype": dtype, "chunk_px": 64}
    pyramid = Pyramid.create(tmp_path / "a", fill_value=fill_value, **options)
    other = Pyramid.create(tmp_path / "b", fill_value=fill_value, **options)
    quick, slow = pyramid._boxes[0], ZarrBoxes(other.arrays[0])
    assert isinstance(quick, ChunkFiles)
    for step in range(30):
        y, x = (int(v) for v in rng.integers(0, 200, 2))
        box = Box(y, x, *(int(v) for v in rng.integers(1, 77, 2)))
        data = rng.integers(0, 100, (2, *box.shape)).astype(dtype)
        if step % 3 == 0:
            data[:] = fill_value
        quick.write(box, data)
        slow.write(box, data)
        where = Box(y // 2, x // 2, 100, 77)
        assert np.array_equal(
            quick.read(where), slow.read(where), equal_nan=data.dtype.kind == "f"
        )
    stored = [
        sorted(str(f.relative_to(p.path / "0")) for f in (p.path / "0").rglob("*"))
        for p in (pyramid, other)
    ]
    assert stored[0] == stored[1]
    assert np.array_equal(
        pyramid.arrays[0][:], other.arrays[0][:], equal_nan=data.dtype.kind == "f"
    )


def test_sparse_and_erased_chunks_take_no_room(tmp_path):
    with labels_pyramid(tmp_path, shape=(100_000, 100_000)) as pyramid:
        box = Box(50_000, 70_000, 64, 64)
        pyramid.write(box, np.ones((64, 64), np.uint8))
        pyramid.refresh(box)
        chunks = [p for p in pyramid.path.rglob("c/*/*") if p.is_file()]
        assert len(chunks) == len(pyramid.levels)
        pyramid.write(box, np.zeros((64, 64), np.uint8))
        pyramid.refresh(box)
        assert not [p for p in pyramid.path.rglob("c/*/*") if p.is_file()]


def test_boxes_may_hang_over_the_edges(tmp_path):
    with labels_pyramid(tmp_path, fill_value=0) as pyramid:
        pyramid.write(Box(-3, 1770, 10, 20), np.full((10, 20), 4, np.uint8))
        got = pyramid.read(Box(-5, 1768, 14, 20))
        expected = np.zeros((14, 20), np.uint8)
        expected[5:12, 2:9] = 4
        assert np.array_equal(got, expected)
        pyramid.write(Box(-50, -50, 10, 10), np.ones((10, 10), np.uint8))
        with pytest.raises(GeometryError, match="levels 0 to 2"):
            pyramid.read(Box(0, 0, 1, 1), 3)


def test_mean_leaves_out_what_has_not_been_computed(tmp_path, rng):
    data = rng.random((3, 1100, 900)).astype(np.float32)
    with Pyramid.create(
        tmp_path / "a.ome.zarr",
        shape=data.shape,
        dtype=np.float32,
        fill_value=np.nan,
        channel_names=("a", "b", "c"),
    ) as pyramid:
        box = Box(0, 0, 601, 900)
        pyramid.write(box, data[:, :601])
        pyramid.refresh()
        coarse = pyramid.read(pyramid.levels[1].box, 1)
        blocks = data[:, :600].reshape(3, 300, 2, 450, 2).mean((2, 4))
        assert np.allclose(coarse[:, :300], blocks)
        half_row = data[:, 600].reshape(3, 450, 2).mean(-1)
        assert np.allclose(coarse[:, 300], half_row)
        assert np.isnan(coarse[:, 301:]).all()
        assert pyramid.channel_names == ("a", "b", "c")


def test_everything_said_at_creation_is_there_after_opening(tmp_path):
    with labels_pyramid(
        tmp_path,
        origin_um_yx=(3.0, 4.0),
        pixel_px0_yx=(2.0, 2.0),
        provenance={"model": "hand"},
    ):
        pass
    pyramid = Pyramid.open(tmp_path / "mask.ome.zarr")
    assert pyramid.classes == DEFAULT_CLASSES
    assert pyramid.is_label
    assert pyramid.pixel_um_yx == (0.5, 0.5)
    assert pyramid.pixel_px0_yx == (2.0, 2.0)
    assert pyramid.origin_um_yx == (3.0, 4.0)
    assert pyramid.provenance == {"model": "hand"}
    assert pyramid.axes == ("y", "x")


def test_a_pyramid_without_a_scale_says_so(tmp_path):
    with Pyramid.create(
        tmp_path / "a.ome.zarr", shape=(10, 10), dtype="u1", pixel_px0_yx=(8, 8)
    ):
        pass
    assert Pyramid.open(tmp_path / "a.ome.zarr").pixel_um_yx is None


def test_a_reducer_of_ones_own(tmp_path):
    def smallest(fine):
        return -(-fine).reshape(fine.shape[0] // 2, 2, -1, 2).max((1, 3))

    path = tmp_path / "a.ome.zarr"
    box = Box(0, 0, 600, 600)
    with Pyramid.create(path, shape=(600, 600), dtype="i4", reducer=smallest) as made:
        made.write(box, np.arange(360_000, dtype="i4").reshape(600, 600))
        made.refresh(box)
        assert made.read(Box(0, 0, 1, 2), 1).tolist() == [[0, 2]]
    with Pyramid.open(path, "r+") as pyramid, pytest.raises(StoreError, match="of its"):
        pyramid.refresh(box)
    with Pyramid.open(path, "r+", reducer=smallest) as pyramid:
        pyramid.refresh(box)


def test_lazy_arrays_read_what_is_on_the_disk(tmp_path):
    with labels_pyramid(tmp_path) as pyramid:
        arrays = pyramid.lazy()
        assert [array.shape for array in arrays] == [lv.shape for lv in pyramid.levels]
        pyramid.write(Box(0, 0, 5, 5), np.full((5, 5), 2, np.uint8))
        assert int(np.asarray(arrays[0][:10, :10]).sum()) == 50


# ---- Locks and resuming ----


def test_one_writer_any_number_of_readers(tmp_path):
    writer = labels_pyramid(tmp_path)
    with pytest.raises(StoreLockedError, match="process"):
        Pyramid.open(writer.path, "r+")
    with pytest.raises(StoreLockedError):
        labels_pyramid(tmp_path, overwrite=True)
    reader = Pyramid.open(writer.path)
    writer.write(Box(0, 0, 2, 2), np.ones((2, 2), np.uint8))
    assert reader.read(Box(0, 0, 2, 2)).all()
    with pytest.raises(StoreError, match="not open for writing"):
        reader.write(Box(0, 0, 2, 2), np.ones((2, 2), np.uint8))
    writer.close()
    with pytest.raises(StoreError, match="not open for writing"):
        writer.refresh()
    Pyramid.open(writer.path, "r+").close()


def test_nothing_is_overwritten_unless_told(tmp_path):
    labels_pyramid(tmp_path).close()
    with pytest.raises(StoreError, match="exists already"):
        labels_pyramid(tmp_path)
    labels_pyramid(tmp_path, overwrite=True).close()
    other = tmp_path / "letters"
    other.mkdir()
    (other / "a.txt").write_text("dear")
    with pytest.raises(StoreError, match="not overwritten"):
        Pyramid.create(other, shape=(5, 5), dtype="u1", overwrite=True)
    assert (other / "a.txt").exists()


def test_marks_survive_and_a_torn_line_does_not_count(tmp_path):
    with labels_pyramid(tmp_path) as pyramid:
        assert pyramid.done_keys() == set()
        pyramid.write(Box(0, 0, 5, 5), np.ones((5, 5), np.uint8))
        pyramid.mark_done("0-0", "0-1")
        pyramid.mark_done("0-2")
        with pytest.raises(StoreError, match="one line"):
            pyramid.mark_done("a\nb")
    marks = pyramid.path / "0" / "done.txt"
    marks.write_bytes(marks.read_bytes() + b"1-")
    with Pyramid.open(pyramid.path, "r+") as pyramid:
        assert pyramid.done_keys() == {"0-0", "0-1", "0-2"}
        pyramid.mark_done("1-1")
        assert pyramid.done_keys() == {"0-0", "0-1", "0-2", "1-1"}


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path):
    """A limit on the size of files stands in for the end of the disk."""
    script = f"""
import resource, signal
import numpy as np
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid
pyramid = Pyramid.create({str(tmp_path / "a")!r}, shape=(512, 512), dtype="u1")
box = Box(0, 0, 512, 512)
pyramid.write(box, np.full((512, 512), 5, np.uint8))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
noise = np.random.default_rng(0).integers(0, 255, (512, 512)).astype(np.uint8)
try:
    pyramid.write(box, noise)
except StoreError as error:
    print(error)
assert (pyramid.read(box) == 5).all()
"""
    if sys.platform == "win32":
        pytest.skip("Windows has no limit on the size of files to test with")
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "nothing that was there is lost" in done.stdout
    assert not list((tmp_path / "a").rglob("*.partial"))


# ---- Bad input ----


def test_what_is_not_a_pyramid_is_named(tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        Pyramid.open(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="not an OME-Zarr"):
        Pyramid.open(tmp_path / "empty")
    zarr.open_group(tmp_path / "plain", mode="w")
    with pytest.raises(StoreError, match="axes"):
        Pyramid.open(tmp_path / "plain", "r+")
    assert not (tmp_path / "plain.lock").exists()


def test_a_damaged_chunk_is_an_error_not_zeros(tmp_path):
    with labels_pyramid(tmp_path) as pyramid:
        pyramid.write(Box(0, 0, 9, 9), np.ones((9, 9), np.uint8))
        (chunk,) = (p for p in (pyramid.path / "0" / "c").rglob("*") if p.is_file())
        chunk.write_bytes(b"rubbish")
        with pytest.raises(StoreError, match="damaged"):
            pyramid.read(Box(0, 0, 9, 9))


@pytest.mark.parametrize(
    "options",
    [
        {"shape": (5, 5), "axes": ("x", "y")},
        {"shape": (5, 5, 5, 5)},
        {"shape": (0, 5)},
        {"shape": (2, 5, 5), "channel_names": ("one",)},
        {"shape": (5, 5), "reducer": "median"},
        {"shape": (5, 5), "reducer": "priority"},
    ],
)
def test_misfits_are_refused_before_anything_is_written(tmp_path, options):
    with pytest.raises(StoreError):
        Pyramid.create(tmp_path / "a", dtype="u1", **options)
    assert not (tmp_path / "a").exists()


def test_data_of_another_shape_are_refused(tmp_path):
    with (
        labels_pyramid(tmp_path) as pyramid,
        pytest.raises(StoreError, match="takes data of shape"),
    ):
        pyramid.write(Box(0, 0, 5, 5), np.zeros((5, 6), np.uint8))


# ---- Others can read it ----


def test_ome_zarr_models_accepts_the_metadata(tmp_path):
    from ome_zarr_models.v05 import Image

    with Pyramid.create(
        tmp_path / "heads.ome.zarr",
        shape=(6, 700, 800),
        dtype="f4",
        pixel_um_yx=(8.0, 4.0),
        pixel_px0_yx=(16.0, 8.0),
        origin_um_yx=(100.0, 0.0),
        channel_names=[f"head {i}" for i in range(6)],
    ) as pyramid:
        pass
    image = Image.from_zarr(zarr.open_group(pyramid.path, mode="r"))
    multiscale = image.ome_attributes.multiscales[0]
    assert [axis.name for axis in multiscale.axes] == ["c", "y", "x"]
    assert multiscale.axes[1].unit == "micrometer"
    scales = [d.coordinateTransformations[0].scale for d in multiscale.datasets]
    assert scales == [[1, 8.0, 4.0], [1, 16.0, 8.0]]
    moves = [d.coordinateTransformations[1].translation for d in multiscale.datasets]
    # centres of first pixels, where the centre of the slide's first pixel is at 0
    assert moves == [[0, 100 + 3.75, 1.75], [0, 100 + 7.75, 3.75]]


@pytest.mark.parametrize("is_label", [False, True])
def test_ome_zarr_reads_it(tmp_path, rng, is_label):
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    data = rng.integers(0, 6, SHAPE).astype(np.uint8)
    with Pyramid.create(
        tmp_path / "a.ome.zarr",
        shape=SHAPE,
        dtype=np.uint8,
        is_label=is_label,
        classes=DEFAULT_CLASSES if is_label else None,
        reducer="priority" if is_label else "mean",
        pixel_um_yx=(0.25, 0.25),
    ) as pyramid:
        pyramid.write(pyramid.levels[0].box, data)
        pyramid.refresh()
        pyramid.mark_done("all")
    with warnings.catch_warnings():
        warnings.simplefilter("error", zarr.errors.ZarrUserWarning)
        group = zarr.open_group(pyramid.path, mode="r")
        assert sorted(group.array_keys()) == ["0", "1", "2"]
        (node, *_) = list(Reader(parse_url(pyramid.path))())
    assert [array.shape for array in node.data] == [lv.shape for lv in pyramid.levels]
    assert np.array_equal(np.asarray(node.data[0]), data)
    if is_label:
        metadata = json.loads((pyramid.path / "zarr.json").read_text())["attributes"]
        colours = metadata["ome"]["image-label"]["colors"]
        assert colours[0] == {"label-value": 1, "rgba": [205, 51, 51, 255]}
