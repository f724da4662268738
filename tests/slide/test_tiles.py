"""Sources of tiles hold the pixels of the slide, whichever way they come."""

import numpy as np
import pytest
import tifffile

from napari_histossl.errors import GeometryError, SlideOpenError
from napari_histossl.geometry import Box
from napari_histossl.phantom import PhantomSlide
from napari_histossl.slide import ArraySlide, open_slide, read_virtual, virtual_levels
from napari_histossl.slide._block_mean import block_mean, block_sums
from napari_histossl.slide.tiles import (
    PlaneTileSource,
    SlideTileSource,
    TiffTileSource,
    TileService,
    keys_around,
    keys_in_view,
    keys_of_level,
    open_tiles,
    tile_arrays,
)
from napari_histossl.store import write_tiff


def drawn(height, width, seed=0):
    """Smooth colours with grain: nothing flat, so that a shift shows."""
    random = np.random.default_rng(seed)
    coarse = random.integers(40, 230, (height // 16 + 2, width // 16 + 2, 3))
    smooth = np.kron(coarse, np.ones((16, 16, 1), int))[:height, :width]
    grain = random.integers(-12, 13, (height, width, 3))
    return (smooth + grain).clip(0, 255).astype(np.uint8)


def differences(source, slide):
    """Mean absolute difference from `read_virtual` of every tile of every level."""
    found = {}
    for level in range(len(source.levels)):
        for _, _, ty, tx in keys_of_level(source, level):
            tile = source.read_tile(level, ty, tx)
            assert tile.shape == source.tile_shape
            assert tile.dtype == source.dtype
            assert tile.flags.c_contiguous
            box = source.inside_box(level, ty, tx)
            expected = read_virtual(slide, box, level)
            shown = tile[: box.height, : box.width].astype(int)
            found[level, ty, tx] = np.abs(shown - expected).mean()
            assert (tile[box.height :] == 255).all()
            assert (tile[:, box.width :] == 255).all()
    return found


def write_levels(path, levels, *, tile=128, **options):
    """Write a tiled pyramid, one page per level."""
    options = {"photometric": "rgb", "metadata": None, **options}
    with tifffile.TiffWriter(path) as writer:
        for index, picture in enumerate(levels):
            writer.write(
                picture, tile=(tile, tile), subfiletype=int(index > 0), **options
            )
    return path


def thinned(picture, factor):
    return np.ascontiguousarray(picture[::factor, ::factor])


# ---- Direct TIFF and SVS ----

COMPRESSIONS = {
    "none": {},
    "jpeg": {"compression": "jpeg", "compressionargs": {"level": 85}},
    "jpeg2000": {"compression": "jpeg2000"},
    "aperio-33005": {"compression": 33005},
    "deflate": {"compression": "deflate"},
    "deflate-differences": {"compression": "deflate", "predictor": 2},
    "lzw": {"compression": "lzw"},
    "lzw-differences": {"compression": "lzw", "predictor": 2},
    "zstd": {"compression": "zstd"},
}


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_every_compression_is_read_directly_and_exactly(tmp_path, name):
    picture = drawn(700, 613)
    path = write_levels(
        tmp_path / "slide.tif", [picture, thinned(picture, 4)], **COMPRESSIONS[name]
    )
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        assert source.tile_size == 128
        assert max(differences(source, slide).values()) <= 0.02


@pytest.mark.parametrize("shape", [(1, 1), (128, 128), (129, 257), (640, 511)])
def test_odd_sizes(tmp_path, shape):
    path = write_levels(tmp_path / "slide.tif", [drawn(*shape)], compression="deflate")
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        assert source.levels == virtual_levels(slide)
        assert not any(differences(source, slide).values())


@pytest.mark.parametrize("factor", [3.97, 4.03, 2.0])
def test_fractional_downsamples(tmp_path, factor):
    """Nothing is averaged where a level is meant to be a factor of two or four."""
    fine = drawn(1500, 1301)
    shape = round(1500 / factor), round(1301 / factor)
    rows = (np.arange(shape[0]) * factor).astype(int)
    columns = (np.arange(shape[1]) * factor).astype(int)
    coarse = np.ascontiguousarray(fine[rows][:, columns])
    path = write_levels(tmp_path / "s.tif", [fine, coarse], compression="deflate")
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        assert not any(differences(source, slide).values())


def test_levels_in_sub_directories(tmp_path):
    fine = drawn(900, 800)
    path = tmp_path / "slide.ome.tif"
    options = {"tile": (128, 128), "photometric": "rgb", "compression": "deflate"}
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(fine, subifds=1, **options)
        writer.write(thinned(fine, 2), subfiletype=1, **options)
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert len(slide.levels) == 2
        assert isinstance(source, TiffTileSource)
        assert not any(differences(source, slide).values())


@pytest.mark.parametrize("has_thumbnail", [True, False])
def test_svs_with_and_without_a_thumbnail(tmp_path, has_thumbnail):
    fine = drawn(1024, 1536)
    path = tmp_path / "slide.svs"
    options = {
        "photometric": "rgb",
        "compression": "jpeg",
        "compressionargs": {"level": 85},
        "metadata": None,
    }
    with tifffile.TiffWriter(path) as writer:
        for index, factor in enumerate((1, 4)):
            text = "Aperio Image Library v12\r\n1536x1024|AppMag = 40|MPP = 0.25"
            tiles = {"tile": (256, 256), "description": text}
            writer.write(thinned(fine, factor), **tiles, **options)
            if index == 0 and has_thumbnail:
                writer.write(thinned(fine, 8), rowsperstrip=16, **options)
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert slide.properties["openslide.vendor"] == "aperio"
        assert len(slide.levels) == 2
        assert isinstance(source, TiffTileSource)
        assert max(differences(source, slide).values()) <= 0.02


def test_our_own_slides_are_read_directly(tmp_path):
    list(write_tiff(ArraySlide(drawn(3000, 2500)), tmp_path / "own.svs"))
    with open_slide(tmp_path / "own.svs") as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        assert max(differences(source, slide).values()) <= 0.02


def test_real_svs_with_jpeg(real_slide):
    with open_tiles(real_slide) as source:
        assert isinstance(source, TiffTileSource)
        assert source.tile_size == 240
        assert max(differences(source, real_slide).values()) <= 0.02


def test_real_svs_with_jpeg_2000(real_data):
    """Its second level steps by 2.0005: OpenSlide blurs that, the file does not."""
    path = real_data("slides/TCGA-CR-7395-01A-01-TS1.svs")
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        found = differences(source, slide)
        assert max(value for key, value in found.items() if key[0] == 0) <= 0.02
        page = tifffile.imread(path, key=2)
        assert np.array_equal(source.read_tile(1, 2, 3), page[512:768, 768:1024])


def test_jpeg_2000_of_ycbcr(tmp_path):
    """Aperio's 33003: the codec returns YCbCr, and nothing in its data says so."""
    rgb = drawn(600, 500).astype(float)
    luma = rgb @ (0.299, 0.587, 0.114)
    planes = [
        luma,
        (rgb[..., 2] - luma) / 1.772 + 128,
        (rgb[..., 0] - luma) / 1.402 + 128,
    ]
    ycbcr = np.stack(planes, axis=-1).round().clip(0, 255).astype(np.uint8)
    text = "Aperio Image Library v12\r\n500x600|AppMag = 40|MPP = 0.25"
    path = tmp_path / "s.svs"
    options = {"compression": 33003, "description": text, "metadata": None}
    tifffile.imwrite(path, ycbcr, tile=(256, 256), photometric="rgb", **options)
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        assert max(differences(source, slide).values()) <= 0.02
        assert np.abs(source.read_tile(0, 0, 0) - rgb[:256, :256]).mean() < 2


def test_a_source_outlives_close_with_a_sentence(tmp_path):
    path = write_levels(tmp_path / "s.tif", [drawn(300, 300)])
    with open_slide(path) as slide:
        source = open_tiles(slide)
        source.close()
        with pytest.raises(OSError, match="has been closed"):
            source.read_tile(0, 0, 0)


def test_what_is_kept_of_a_slide_is_the_same_as_read_anew(tmp_path, tissue_picture):
    """The overview is made once; its decoded tiles are handed on, once."""
    picture = np.tile(tissue_picture, (3, 3, 1))
    path = tmp_path / "s.tif"
    tifffile.imwrite(path, picture, tile=(128, 128), photometric="rgb")
    with open_slide(path) as slide, open_tiles(slide) as first:
        assert isinstance(first, TiffTileSource)
        top = len(first.levels) - 1
        overview = first.read_tile(top, 0, 0)
        with open_tiles(slide) as second:
            assert second.read_tile(top, 0, 0) is overview
            kept = [second.read_tile(top - 1, 0, 0) for _ in range(2)]
    with open_slide(path) as slide, open_tiles(slide) as anew:
        expected = anew.read_tile(top - 1, 0, 0)
        assert np.array_equal(anew.read_tile(top, 0, 0), overview)
    assert all(np.array_equal(tile, expected) for tile in kept)


def test_a_path_with_other_letters(tmp_path):
    folder = tmp_path / "Präparate – 切片"
    folder.mkdir()
    path = write_levels(folder / "größe 1 µm.tif", [drawn(300, 300)])
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert isinstance(source, TiffTileSource)
        assert not any(differences(source, slide).values())


# ---- Whatever is unusual goes through the slide's own reader ----


def test_16_bits(tmp_path):
    wide = drawn(400, 500).astype(np.uint16) * 257
    path = write_levels(tmp_path / "s.tif", [wide], compression="deflate")
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert type(source) is SlideTileSource
        assert not any(differences(source, slide).values())


def test_grey(tmp_path):
    grey = drawn(400, 500)[..., 0].copy()
    path = write_levels(tmp_path / "s.tif", [grey], photometric="minisblack")
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert type(source) is SlideTileSource
        assert np.array_equal(source.read_tile(0, 0, 0)[..., 1], grey[:256, :256])


def test_oblong_and_tiny_tiles(tmp_path):
    for index, tile in enumerate([(128, 256), (32, 32)]):
        path = tmp_path / f"{index}.tif"
        tifffile.imwrite(path, drawn(400, 500), tile=tile, photometric="rgb")
        with open_slide(path) as slide, open_tiles(slide) as source:
            assert type(source) is SlideTileSource


def test_a_decoder_that_disagrees_is_refused(tmp_path, monkeypatch):
    """Colours of a file are compared with the slide's reader before they are shown."""
    from napari_histossl.slide import _tile_pages

    path = write_levels(tmp_path / "s.tif", [drawn(300, 300)], compression="jpeg")
    right = _tile_pages.decoders

    def swapped(page):
        return [lambda data: right(page)[0](data)[..., ::-1]]

    monkeypatch.setattr(_tile_pages, "decoders", swapped)
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert type(source) is SlideTileSource


def test_dicom(real_data):
    folder = real_data("dicom/CMU-1-Small-Region")
    path = max(folder.glob("*.dcm"), key=lambda file: file.stat().st_size)
    with open_slide(path) as slide, open_tiles(slide) as source:
        assert not any(differences(source, slide).values())


def test_drawn_slides_at_their_own_levels():
    slide = PhantomSlide(3, 700, 1200, 1.0)
    with open_tiles(slide) as source:
        assert source.levels == virtual_levels(slide)
        tile = source.read_tile(1, 1, 1)
        assert np.array_equal(tile[:94], slide.read(Box(256, 256, 94, 256), 1))


def test_one_pixel():
    source = open_tiles(ArraySlide(np.full((1, 1, 3), 7, np.uint8)))
    tile = source.read_tile(0, 0, 0)
    assert source.levels[-1].shape == (1, 1)
    assert tile[0, 0].tolist() == [7, 7, 7]
    assert tile.min() == 7
    assert (tile == 255).sum() == 3 * (256 * 256 - 1)


def test_a_source_is_its_own_source(array_slide):
    source = open_tiles(array_slide)
    assert open_tiles(source) is source


def test_there_is_no_such_tile(array_slide):
    source = open_tiles(array_slide)
    for key in [(0, 3, 0), (0, 0, 4), (0, -1, 0), (5, 0, 0), (-1, 0, 0)]:
        with pytest.raises(GeometryError, match="no tile"):
            source.read_tile(*key)


def test_an_untiled_giant_is_refused_with_a_way_out(tmp_path):
    path = tmp_path / "strips.tif"
    tifffile.imwrite(
        path,
        shape=(20_000, 20_000, 3),
        dtype=np.uint8,
        photometric="rgb",
        rowsperstrip=20_000,
    )
    with pytest.raises(SlideOpenError, match="tiled"):
        open_slide(path)


# ---- Coarse levels of a slide that has none ----


def test_coarse_levels_from_sums_are_exact():
    slide = ArraySlide(drawn(1009, 9001))
    source = SlideTileSource(slide)
    assert source.levels[-1].downsample == 32
    assert [source.is_costly(level) for level in range(6)] == [False] * 4 + [True] * 2
    coarse = {key: v for key, v in differences(source, slide).items() if key[0] >= 4}
    assert not any(coarse.values())
    assert not source.is_costly(5)


def test_sums_of_blocks_are_exact(rng):
    for shape in [(64, 64), (65, 130), (5, 1), (1, 1)]:
        picture = rng.integers(0, 256, (*shape, 3), np.uint8)
        picture[:2] = 255
        for block in (1, 2, 3, 16, 17, 64):
            padded = np.full(
                (-(-shape[0] // block) * block, -(-shape[1] // block) * block, 3),
                np.nan,
            )
            padded[: shape[0], : shape[1]] = picture
            rows, columns = len(padded) // block, padded.shape[1] // block
            blocks = padded.reshape(rows, block, columns, block, 3)
            mean = np.floor(np.nanmean(blocks, axis=(1, 3)) + 0.5 + 1e-9)
            assert np.array_equal(block_sums(picture, block), np.nansum(blocks, (1, 3)))
            assert np.array_equal(block_mean(picture, block), mean)


# ---- Numbers and labels ----


def test_numbers_without_those_that_are_missing(rng):
    fine = rng.random((1101, 700)).astype(np.float32)
    fine[:300] = np.nan
    source = PlaneTileSource([fine])
    assert (source.kind, source.channels, len(source.levels)) == ("values", None, 3)
    coarse = source.read_tile(2, 0, 0)
    assert np.isnan(coarse[:75]).all()
    blocks = fine[300:1024, :].reshape(181, 4, 175, 4)
    np.testing.assert_allclose(coarse[75:, :175], blocks.mean((1, 3)), rtol=1e-5)
    assert np.isnan(coarse[:, 175:]).all()


def test_labels_are_never_averaged():
    fine = np.zeros((1030, 1030), np.uint8)
    fine[::2] = 200
    source = PlaneTileSource([fine], labels=True)
    assert set(np.unique(source.read_tile(1, 0, 0))) <= {0, 200}
    assert source.fill_value == 0


def test_own_levels_of_numbers_are_used():
    levels = [np.full((1001, 600), 1, np.uint16), np.full((500, 300), 2, np.uint16)]
    source = PlaneTileSource(levels)
    assert [source.read_tile(k, 0, 0)[0, 0] for k in range(2)] == [1, 2]
    last = source.read_tile(1, 1, 0)  # row 500 is not in the file's level of 500 rows
    assert source.inside_px(1, 1, 0) == (245, 256)
    assert (last[:245, :256] == 2).all()


def test_planes_have_two_axes():
    with pytest.raises(GeometryError, match="two-dimensional"):
        PlaneTileSource([np.zeros((4, 4, 3))])


# ---- Order ----


def test_coarse_first_and_centre_first():
    source = open_tiles(ArraySlide(np.zeros((3000, 3000, 3), np.uint8)))
    keys = keys_in_view(source, 0, Box(1000, 1000, 900, 900), coarser=2)
    assert [key[1] for key in keys] == sorted((key[1] for key in keys), reverse=True)
    assert {key[1] for key in keys} == {0, 1, 2}
    finest = [key[2:] for key in keys if key[1] == 0]
    assert finest[0] == (5, 5)
    assert len(set(keys)) == len(keys)
    assert len(finest) == 5 * 5


def test_a_view_beside_the_slide_wants_nothing(array_slide):
    source = open_tiles(array_slide)
    assert keys_in_view(source, 0, Box(5000, 5000, 100, 100)) == []


def test_what_is_around_is_not_what_is_in_view():
    source = open_tiles(ArraySlide(np.zeros((3000, 3000, 3), np.uint8)))
    view = Box(1024, 1024, 256, 256)
    ring = keys_around(source, 0, view)
    assert len([key for key in ring if key[1] == 0]) == 8
    assert not set(ring) & set(keys_in_view(source, 0, view, coarser=0))


# ---- Levels as arrays ----


def test_levels_as_arrays_slice_like_numpy(array_slide, tissue_picture):
    arrays = tile_arrays(open_tiles(array_slide))
    finest = arrays[0]
    assert (finest.shape, finest.ndim, finest.dtype) == ((700, 900, 3), 3, np.uint8)
    assert finest.chunks == (256, 256, 3)
    assert len(finest) == 700
    for key in [
        np.s_[200:300, 250:600],
        np.s_[5, 6],
        np.s_[-1],
        np.s_[..., 1],
        np.s_[10:700:7, :, 2],
        np.s_[650:9999, 3:3],
        np.s_[:, 899:],
    ]:
        assert np.array_equal(finest[key], tissue_picture[key])
    assert np.array_equal(np.asarray(arrays[1])[:5], arrays[1][:5])
    with pytest.raises(IndexError):
        finest[700]
    with pytest.raises(IndexError, match="forwards"):
        finest[::-1]


def test_a_huge_level_is_not_loaded_by_accident():
    source = open_tiles(PhantomSlide(1, 60_000, 60_000, 0.5))
    with pytest.raises(GeometryError, match="coarser level"):
        np.asarray(tile_arrays(source)[0])


def test_arrays_over_a_service_keep_what_they_read(array_slide):
    source = open_tiles(array_slide)
    with TileService(workers=2) as service:
        array = tile_arrays(source, service.load)[0]
        first = array[:300, :300]
        assert not service.has(source, 0, 0, 0)  # not one of its sources
        service.add(source)
        assert np.array_equal(array[:300, :300], first)
        assert service.has(source, 0, 0, 0)
