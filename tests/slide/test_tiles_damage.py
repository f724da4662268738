"""Bad days: damaged, replaced, vanished and monstrous files. No wrong pixels."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_histossl.errors import (
    SlideChangedError,
    SlideOpenError,
    SlideReadError,
    SlideUnreachableError,
)
from napari_histossl.geometry import Box
from napari_histossl.slide import open_slide, read_virtual
from napari_histossl.slide._tile_file import SharedFile
from napari_histossl.slide.tiles import (
    SlideTileSource,
    TiffTileSource,
    TileService,
    keys_of_level,
    open_tiles,
)

sys.path.insert(0, str(Path(__file__).parent))
from monster_for_tests import write_monster


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def write(path, pixels, **options):
    options = {"tile": (256, 256), "photometric": "rgb", "metadata": None, **options}
    tifffile.imwrite(path, pixels, **options)
    return path


def tile_places(path):
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        return list(zip(page.dataoffsets, page.databytecounts, strict=True))


def overwrite(path, offset, data):
    """Write into a file in place, leaving its time as it was: as a bad disk does."""
    times = path.stat()
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def outcome(source, key):
    try:
        return source.read_tile(*key[1:])
    except SlideReadError as error:
        return error


# ---- Damaged files ----


@pytest.mark.parametrize("compression", ["jpeg", "deflate", "lzw", "jpeg2000"])
def test_a_corrupt_tile_fails_and_the_others_do_not(tmp_path, compression):
    path = write(tmp_path / "s.tif", picture(700, 700), compression=compression)
    with open_slide(path) as slide, open_tiles(slide) as source:
        before = [source.read_tile(*key[1:]) for key in keys_of_level(source, 0)]
    offset, count = tile_places(path)[4]
    overwrite(path, offset, bytes(255 - n % 251 for n in range(count)))
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        after = [outcome(source, key) for key in keys_of_level(source, 0)]
        keys = keys_of_level(source, 0)
    for key, old, new in zip(keys, before, after, strict=True):
        if key[2:] == (1, 1):
            assert isinstance(new, SlideReadError)
            assert "row 1, column 1" in str(new)
        else:
            assert np.array_equal(old, new)


@pytest.mark.parametrize("part", ["end", "middle"])
def test_half_a_jpeg_is_an_error_not_grey(tmp_path, part):
    """The codec fills what is lost with grey, silently."""
    text = "Aperio Image Library v12\r\n700x700|AppMag = 40|MPP = 0.25"
    path = tmp_path / "s.svs"
    write(path, picture(700, 700), compression="jpeg", description=text)
    offset, count = tile_places(path)[4]
    lost = count // 2 if part == "end" else 4096
    overwrite(path, offset + count // 2 - (0 if part == "end" else 999), bytes(lost))
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        with pytest.raises(SlideReadError):
            source.read_tile(0, 1, 1)
        assert source.read_tile(0, 1, 0).shape == (256, 256, 3)


def test_a_truncated_file(tmp_path):
    """What is there is shown, what is cut off is an error."""
    path = write(tmp_path / "s.tif", picture(2000, 1000), compression="deflate")
    places = tile_places(path)
    with tifffile.TiffFile(path) as tiff:
        tables = max(tiff.pages.first.dataoffsets)
    assert tables == places[-1][0]  # the directory comes first, the tiles follow
    data = path.read_bytes()
    path.write_bytes(data[: places[16][0] + 10])
    with open_slide(path) as slide, open_tiles(slide) as source:
        found = [outcome(source, (source, 0, *divmod(n, 4))) for n in range(32)]
    assert all(isinstance(tile, np.ndarray) for tile in found[:16])
    assert all(isinstance(error, SlideReadError) for error in found[16:])


def test_failed_tiles_are_counted_by_the_service(tmp_path):
    path = write(tmp_path / "s.tif", picture(700, 700), compression="deflate")
    offset, count = tile_places(path)[4]
    overwrite(path, offset, bytes(count))
    with (
        open_slide(path) as slide,
        open_tiles(slide) as source,
        TileService(workers=2, retry_s=3600) as service,
    ):
        told = []
        service.listen(told.append)
        service.add(source)
        service.want(keys_of_level(source, 0))
        while len(told) < 9 + 4:
            time.sleep(0.001)
        assert service.get(source, 0, 1, 1) is None
        assert isinstance(service.failed(source, 0, 1, 1), SlideReadError)
        assert service.get(source, 0, 0, 1) is not None
        # the coarser level that shows this tile cannot be drawn either
        assert service.health(source).failed == 2


# ---- Files that change or vanish ----


def test_a_file_replaced_by_another_is_told(tmp_path):
    path = write(tmp_path / "s.tif", picture(700, 700, 1), compression="deflate")
    other = write(tmp_path / "o.tif", picture(700, 700, 2), compression="deflate")
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        source.read_tile(0, 0, 0)
        other.replace(path)
        with pytest.raises(SlideChangedError, match="open it again"):
            source.read_tile(0, 0, 1)


def test_a_file_written_over_is_told(tmp_path):
    path = write(tmp_path / "s.tif", picture(700, 700, 1), compression="deflate")
    other = write(tmp_path / "o.tif", picture(700, 700, 2), compression="deflate")
    with open_slide(path) as slide, open_tiles(slide) as source:
        source.read_tile(0, 0, 0)
        path.write_bytes(other.read_bytes())
        with pytest.raises(SlideChangedError, match="open it again"):
            source.read_tile(0, 0, 1)


def test_an_overview_that_is_kept_is_told_as_well(tmp_path):
    path = write(tmp_path / "s.tif", picture(700, 700, 1), compression="deflate")
    other = write(tmp_path / "o.tif", picture(700, 700, 2), compression="deflate")
    with open_slide(path) as slide, open_tiles(slide) as source:
        source.read_tile(1, 0, 0)
        other.replace(path)
        with pytest.raises(SlideChangedError, match="open it again"):
            source.read_tile(1, 0, 0)


def test_a_slide_that_another_reader_serves_is_watched_too(tmp_path):
    grey = picture(300, 300)[..., 0].copy()
    path = write(tmp_path / "s.tif", grey, photometric="minisblack")
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert type(source) is SlideTileSource
        source.read_tile(0, 0, 0)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(SlideReadError):
            source.read_tile(0, 1, 1)


def test_a_deleted_file_is_read_to_the_end(tmp_path):
    path = write(tmp_path / "s.tif", picture(300, 300), compression="deflate")
    with open_slide(path) as slide, open_tiles(slide) as source:
        path.unlink()
        assert source.read_tile(0, 1, 1).shape == (256, 256, 3)


def test_a_drive_that_is_away_is_told_apart(tmp_path, monkeypatch):
    path = tmp_path / "s.bin"
    path.write_bytes(bytes(100))
    file = SharedFile(path)

    def away(number, count, offset):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("napari_histossl.slide._tile_file.os.pread", away)
        with pytest.raises(SlideUnreachableError, match="drive or the network"):
            file.read_at(0, 10)
    assert file.read_at(0, 10) == bytes(10)
    with pytest.raises(SlideReadError, match="90 of 200"):
        file.read_at(10, 200)


def test_files_are_read_where_the_system_has_no_pread(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_histossl.slide._tile_file._HAS_PREAD", False)
    path = tmp_path / "s.bin"
    path.write_bytes(bytes(range(100)))
    assert SharedFile(path).read_at(10, 3) == bytes([10, 11, 12])


def test_the_file_stays_open_until_the_last_read_is_through(tmp_path):
    """Else its number could go to another file while somebody still reads from it."""
    path = tmp_path / "s.bin"
    path.write_bytes(bytes(100))
    file = SharedFile(path)
    reader = file._handle
    number = reader.number
    file.close()
    assert os.fstat(number).st_size == 100
    del reader
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_no_such_file(tmp_path):
    with pytest.raises(SlideOpenError, match="cannot be opened"):
        SharedFile(tmp_path / "none.svs")


# ---- Monsters ----


@pytest.fixture
def monster(tmp_path):
    """One level of 30,000 x 30,000 pixels."""
    return write_monster(tmp_path / "monster.tif")


def test_one_level_of_30_000_pixels(monster):
    """The overview is made within little memory, and one can see how far it is."""
    import tracemalloc

    with open_slide(monster) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        top = len(source.levels) - 1
        assert source.levels[top].shape == (469, 469)
        assert source.is_costly(top)
        tracemalloc.start()
        steps = list(source.prepare())
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak_bytes < 120 << 20
        assert steps[0].total == steps[-1].done == len(steps) > 100
        assert not source.is_costly(top)
        tile = source.read_tile(top, 1, 1)
        assert source.inside_px(top, 1, 1) == (213, 213)
        # 8 x 8 pixels of the overview and no more against the pixels of the slide
        finest = slide.read(Box(256 * 64 + 640, 256 * 64 + 640, 512, 512), 0)
        expected = finest.reshape(8, 64, 8, 64, 3).mean((1, 3)) + 0.5
        assert np.array_equal(tile[10:18, 10:18], expected.astype(np.uint8))
        middle = source.read_tile(4, 2, 3)
        box = source.inside_box(4, 2, 3)
        part = Box(box.y + 100, box.x, 20, 30)
        assert np.array_equal(middle[100:120, :30], read_virtual(slide, part, 4))


def test_making_an_overview_can_be_stopped(monster):
    with open_slide(monster) as slide, open_tiles(slide) as source:
        work = source.prepare()
        first = next(work)
        work.close()
        assert first.done == source.prepared()[0] == 1
        assert source.is_costly(len(source.levels) - 1)


def test_one_bad_tile_does_not_cost_the_overview(monster):
    """It is grey there, and an error at the levels that show it."""
    places = tile_places(monster)
    overwrite(monster, *(places[0][0], bytes(16)))  # one of the five tiles
    with open_slide(monster) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        with pytest.raises(SlideReadError):
            source.read_tile(0, 0, 0)
        with pytest.raises(SlideReadError):
            source.read_tile(3, 0, 0)
        overview = source.read_tile(4, 0, 0)
        assert (overview[:16, :16] == 128).all()
        assert (overview[:16, 16:32] != 128).any()


def test_a_monster_is_served_within_the_budget(monster):
    with (
        open_slide(monster) as slide,
        open_tiles(slide) as source,
        TileService(8 << 20, workers=2) as service,
    ):
        service.add(source)
        told = []
        service.listen(told.append)
        wanted = keys_of_level(source, 0)[:60]
        service.want(wanted)
        while len(set(told) & set(wanted)) < 60:  # not held up by the overview
            assert service.stats().held_bytes <= 8 << 20
            time.sleep(0.001)
