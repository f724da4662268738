"""Tiles of OME-Zarr 0.4 and 0.5, from a folder and from a web server."""

import http.server
import shutil
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_histossl.errors import (
    SlideChangedError,
    SlideOpenError,
    SlideReadError,
    SlideUnreachableError,
)
from napari_histossl.geometry import Box
from napari_histossl.slide import open_slide, read_virtual
from napari_histossl.slide._tile_http import fetch
from napari_histossl.slide.tiles import (
    PlaneTileSource,
    SlideTileSource,
    TileService,
    keys_of_level,
    open_tiles,
    open_zarr_tiles,
)
from napari_histossl.store import Pyramid


def write_ngff(path, pixels, axes, zarr_format, *, factors=(1, 2), **facts):
    """Write a picture the way other programs do: every second pixel, small chunks."""
    group = zarr.open_group(str(path), mode="w", zarr_format=zarr_format)
    datasets = []
    for index, factor in enumerate(factors):
        step = tuple(slice(None, None, factor if a in "yx" else 1) for a in axes)
        level = pixels[step]
        chunks = tuple(256 if axis in "yx" else 1 for axis in axes)
        array = group.create_array(
            str(index), shape=level.shape, chunks=chunks, dtype=level.dtype
        )
        array[...] = level
        scale = [0.5 * factor if axis in "yx" else 1.0 for axis in axes]
        transformations = [{"type": "scale", "scale": scale}]
        datasets.append(
            {"path": str(index), "coordinateTransformations": transformations}
        )
    spatial = {"type": "space", "unit": "micrometer"}
    described = [{"name": a, **(spatial if a in "zyx" else {})} for a in axes]
    found = {"multiscales": [{"axes": described, "datasets": datasets}], **facts}
    if zarr_format == 2:
        found["multiscales"][0]["version"] = "0.4"
        group.attrs.update(found)
    else:
        group.attrs["ome"] = {"version": "0.5", **found}
    return path


@pytest.fixture
def colours(rng):
    return rng.integers(0, 256, (3, 1101, 803), np.uint8)


class Quiet(http.server.SimpleHTTPRequestHandler):
    broken = False
    protocol_version = "HTTP/1.1"  # connections stay open
    connections = 0

    def setup(self):
        Quiet.connections += 1
        super().setup()

    def do_GET(self):
        if Quiet.broken:
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(tmp_path):
    """A web server on this machine; yields its address."""
    handler = partial(Quiet, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Quiet.broken, Quiet.connections = False, 0
    server.shutdown()
    server.server_close()
    thread.join()


# ---- Colours ----


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("place", ["folder", "web"])
def test_colours(tmp_path, serve, colours, zarr_format, place):
    path = write_ngff(tmp_path / "a.ome.zarr", colours, "cyx", zarr_format)
    source = open_zarr_tiles(path if place == "folder" else f"{serve}/a.ome.zarr")
    assert isinstance(source, SlideTileSource)
    assert source.name == "a.ome.zarr"
    assert source.tile_size == 256
    assert [level.shape for level in source.levels] == [
        (1101, 803),
        (551, 402),
        (276, 201),
    ]
    rgb = colours.transpose(1, 2, 0)
    tile = source.read_tile(0, 4, 3)
    assert np.array_equal(tile[:77, :35], rgb[1024:, 768:])
    assert (tile[77:] == 255).all()
    assert np.array_equal(source.read_tile(1, 1, 0), rgb[512:1024:2, 0:512:2])
    whole = read_virtual(source.slide, Box(0, 0, 276, 201), 2)
    assert np.array_equal(source.read_tile(2, 0, 0)[:, :201], whole[:256])


def test_colours_last_and_other_axes_first(tmp_path, rng):
    pixels = rng.integers(0, 256, (1, 2, 300, 400, 3), np.uint8)
    source = open_zarr_tiles(write_ngff(tmp_path / "a.zarr", pixels, "tzyxc", 2))
    assert np.array_equal(source.read_tile(0, 0, 0), pixels[0, 0, :256, :256])


def test_a_colour_slide_travels_and_knows_its_scale(tmp_path, colours):
    import pickle

    path = write_ngff(tmp_path / "a.zarr", colours, "cyx", 3)
    slide = open_zarr_tiles(path).slide
    assert slide.mpp_yx == (0.5, 0.5)
    again = pickle.loads(pickle.dumps(slide))
    box = Box(10, 20, 30, 40)
    assert np.array_equal(again.read(box, 0), slide.read(box, 0))
    assert again.source.fingerprint == slide.source.fingerprint
    slide.close()
    with pytest.raises(SlideReadError, match="closed"):
        slide.read(box, 0)


@pytest.mark.parametrize("place", ["folder", "web", "web as a path"])
def test_opened_as_a_slide(tmp_path, serve, colours, place):
    """By the same door as a file, wherever it is."""
    path = write_ngff(tmp_path / "a.ome.zarr", colours, "cyx", 3)
    address = {
        "folder": path,
        "web": f"{serve}/a.ome.zarr",
        "web as a path": Path(f"{serve}/a.ome.zarr"),
    }[place]
    with open_slide(address, mpp=0.25) as slide:
        assert slide.source.name == "a.ome.zarr"
        assert slide.mpp_yx == (0.25, 0.25)
        assert slide.source.open().mpp_yx == (0.25, 0.25)
        expected = colours.transpose(1, 2, 0)
        box = Box(200, 300, 400, 350)
        assert np.array_equal(slide.read(box, 0), expected[box.slices])
        with open_tiles(slide) as tiles:
            assert np.array_equal(tiles.read_tile(0, 0, 0), expected[:256, :256])


def test_no_slide_in_colour(tmp_path, rng):
    path = write_ngff(tmp_path / "a.zarr", rng.random((2, 64, 64)), "cyx", 3)
    with pytest.raises(SlideOpenError, match="2 channels of float64; expected a slide"):
        open_slide(path)


# ---- Channels and labels ----


def test_one_channel_of_several(tmp_path, rng):
    pixels = rng.random((2, 700, 600)).astype(np.float32)
    names = {"omero": {"channels": [{"label": "DAPI"}, {"label": "CD3"}]}}
    path = write_ngff(tmp_path / "a.zarr", pixels, "cyx", 2, **names)
    for channel in (1, "CD3"):
        source = open_zarr_tiles(path, channel)
        assert isinstance(source, PlaneTileSource)
        assert (source.kind, source.dtype) == ("values", np.float32)
        assert np.array_equal(source.read_tile(0, 0, 0), pixels[1, :256, :256])
    assert np.array_equal(
        open_zarr_tiles(path).read_tile(0, 1, 1), pixels[0, 256:512, 256:512]
    )
    for channel in (2, "CD8", -1):
        with pytest.raises(SlideOpenError, match="DAPI, CD3"):
            open_zarr_tiles(path, channel)


def test_labels(tmp_path, rng):
    pixels = rng.integers(0, 5, (700, 600), np.uint16)
    path = write_ngff(tmp_path / "a.zarr", pixels, "yx", 3, **{"image-label": {}})
    source = open_zarr_tiles(path)
    assert (source.kind, source.dtype, source.channels) == ("labels", np.uint16, None)
    assert np.array_equal(source.read_tile(1, 0, 0), pixels[:512:2, :512:2])


def test_our_own_pyramids(tmp_path, rng):
    values = rng.random((2, 1500, 1100)).astype(np.float32)
    path = tmp_path / "heat.ome.zarr"
    with Pyramid.create(
        path,
        shape=values.shape,
        dtype=np.float32,
        channel_names=("head 0", "head 1"),
        fill_value=np.nan,
        pixel_um_yx=(4.0, 4.0),
    ) as pyramid:
        pyramid.write(Box(0, 0, 1500, 1100), values)
        pyramid.refresh()
        expected = pyramid.read(Box(0, 0, 512, 512), 1)[1]
    source = open_zarr_tiles(path, "head 1")
    assert source.tile_size == 512
    assert [level.shape for level in source.levels] == [
        (1500, 1100),
        (750, 550),
        (375, 275),
    ]
    assert np.array_equal(source.read_tile(1, 0, 0), expected)
    edge = source.read_tile(0, 2, 2)
    assert np.array_equal(edge[:476, :76], values[1, 1024:, 1024:])
    assert np.isnan(edge[476:]).all()


def test_what_is_not_written_yet_is_told_from_zero(tmp_path):
    path = tmp_path / "heat.ome.zarr"
    with Pyramid.create(
        path, shape=(600, 600), dtype=np.float32, fill_value=np.nan
    ) as pyramid:
        source = open_zarr_tiles(path)
        assert np.isnan(source.read_tile(0, 0, 0)).all()
        pyramid.write(Box(0, 0, 512, 512), np.ones((512, 512), np.float32))
        assert (source.read_tile(0, 0, 0) == 1).all()


# ---- What can go wrong ----


def test_no_picture(tmp_path, serve):
    zarr.open_group(str(tmp_path / "plain.zarr"), mode="w")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.zarr").write_bytes(b"")
    for address, told in [
        (tmp_path / "plain.zarr", "multiscales"),
        (tmp_path / "empty", "cannot be opened"),
        (tmp_path / "file.zarr", "no folder"),
        (tmp_path / "none", "no folder"),
        (f"{serve}/none", "cannot be opened"),
        ("http://127.0.0.1:9/x", "does not answer"),
    ]:
        with pytest.raises(SlideOpenError, match=told):
            open_zarr_tiles(address)


def test_a_damaged_chunk_is_one_error(tmp_path, colours):
    path = write_ngff(tmp_path / "a.zarr", colours, "cyx", 3)
    chunk = path / "0" / "c" / "0" / "1" / "1"
    assert chunk.is_file()
    chunk.write_bytes(b"no zstd")
    source = open_zarr_tiles(path)
    with pytest.raises(SlideReadError, match="level 0, row 256, column 256"):
        source.read_tile(0, 1, 1)
    assert source.read_tile(0, 1, 0).shape == (256, 256, 3)


def test_a_folder_that_is_gone_is_not_empty(tmp_path, colours):
    """Missing chunks hold the fill value; a drive that is away has none at all."""
    path = write_ngff(tmp_path / "a.zarr", colours, "cyx", 2)
    source = open_zarr_tiles(path)
    source.read_tile(0, 0, 0)
    away = path.rename(tmp_path / "away.zarr")
    with pytest.raises(SlideUnreachableError, match="not there now"):
        source.read_tile(0, 0, 1)
    away.rename(path)
    assert source.read_tile(0, 0, 1).any()
    shutil.rmtree(path)
    write_ngff(path, colours[:, :500], "cyx", 2)
    with pytest.raises(SlideChangedError, match="open it again"):
        source.read_tile(0, 0, 1)


def test_a_server_that_goes_and_comes_back(tmp_path, serve, colours):
    write_ngff(tmp_path / "a.zarr", colours, "cyx", 3)
    source = open_zarr_tiles(f"{serve}/a.zarr")
    wanted = keys_of_level(source, 0)
    with TileService(workers=2, retry_s=0.05) as service:
        service.add(source)
        Quiet.broken = True
        service.want(wanted)
        while not all(service.failed(*key) for key in wanted):
            threading.Event().wait(0.001)
        assert isinstance(service.failed(*wanted[0]), SlideUnreachableError)
        Quiet.broken = False
        while not all(service.has(*key) for key in wanted):
            threading.Event().wait(0.001)
        while service.stats().failed:  # the coarsest, which nobody asked for
            threading.Event().wait(0.001)


def test_connections_are_used_again(tmp_path, serve, colours):
    write_ngff(tmp_path / "a.zarr", colours, "cyx", 3)
    source = open_zarr_tiles(f"{serve}/a.zarr")
    keys = keys_of_level(source, 0)
    for key in keys:
        source.read_tile(*key[1:])
    chunks = 3 * len(keys)  # one a colour
    assert Quiet.connections <= 16 < chunks


def test_a_server_that_refuses(serve):
    with pytest.raises(SlideReadError, match="no web address"):
        fetch("file:///etc/hostname")
    assert fetch(f"{serve}/none") is None
    Quiet.broken = True
    with pytest.raises(SlideUnreachableError, match="503"):
        fetch(f"{serve}/none")
