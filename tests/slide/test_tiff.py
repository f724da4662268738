from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_histossl.errors import SlideOpenError, SlideReadError
from napari_histossl.geometry import Box
from napari_histossl.slide import open_slide
from napari_histossl.slide._tiff import TiffSlide

BOX = Box(100, 200, 300, 410)


def check(path, picture, shapes=((700, 900),)):
    slide = open_slide(path)
    assert isinstance(slide, TiffSlide)
    assert tuple(level.shape for level in slide.levels) == tuple(shapes)
    assert np.array_equal(slide.read(BOX, 0), picture[BOX.slices])
    assert np.array_equal(slide.read(slide.levels[0].box, 0), picture)
    return slide


@pytest.mark.parametrize("compression", [None, "deflate", "lzw"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_tiled(tmp_path, tissue_picture, compression, planar):
    separate = planar == "separate"
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.moveaxis(tissue_picture, -1, 0) if separate else tissue_picture,
        tile=(128, 256),
        photometric="rgb",
        planarconfig=planar,
        compression=compression,
    )
    check(tmp_path / "a.tif", tissue_picture)


@pytest.mark.parametrize("layout", ["subifds", "reduced pages", "strips"])
def test_pyramids(tmp_path, tissue_picture, layout):
    half = np.ascontiguousarray(tissue_picture[::2, ::2])
    options = {"photometric": "rgb"}
    options |= {"rowsperstrip": 50} if layout == "strips" else {"tile": (128, 128)}
    subifds = None if layout == "reduced pages" else 1
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        writer.write(tissue_picture, subifds=subifds, metadata=None, **options)
        writer.write(half, subfiletype=1, metadata=None, **options)
    slide = check(tmp_path / "a.tif", tissue_picture, [(700, 900), (350, 450)])
    assert slide.levels[1].downsample == 2.0
    assert np.array_equal(slide.read(Box(10, 20, 100, 99), 1), half[10:110, 20:119])


def test_jpeg_tiles_decode_as_tifffile_does(tmp_path, tissue_picture):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, tissue_picture, tile=(128, 128), photometric="rgb", compression="jpeg"
    )
    check(path, tifffile.imread(path))


@pytest.mark.parametrize("interleaved", [True, False])
def test_ome_tiff_with_its_scale(tmp_path, tissue_picture, interleaved):
    path = tmp_path / "a.ome.tif"
    sizes = {
        "PhysicalSizeX": 250,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.26,
        "PhysicalSizeYUnit": "µm",
    }
    data = tissue_picture if interleaved else np.moveaxis(tissue_picture, -1, 0)
    tifffile.imwrite(
        path,
        data,
        tile=(128, 128),
        photometric="rgb" if interleaved else "minisblack",
        metadata={"axes": "YXS" if interleaved else "CYX", **sizes},
    )
    slide = check(path, tissue_picture)
    assert slide.mpp_yx == pytest.approx((0.26, 0.25))


@pytest.mark.parametrize("tile", [None, (128, 128)])
def test_16_bit_grey_is_scaled_by_the_bits_in_use(tmp_path, tissue_picture, tile):
    twelve_bits = tissue_picture[..., 0].astype(np.uint16) * 16
    tifffile.imwrite(tmp_path / "a.tif", twelve_bits, tile=tile)
    slide = open_slide(tmp_path / "a.tif")
    assert "0 to 4095" in slide.properties["depth"]
    got = slide.read(BOX, 0).astype(int)
    assert np.abs(got - tissue_picture[..., :1][BOX.slices]).max() <= 1


@pytest.mark.parametrize("tile", [None, (128, 128)])
def test_min_is_white_is_inverted(tmp_path, tissue_picture, tile):
    grey = tissue_picture[..., 0]
    tifffile.imwrite(
        tmp_path / "a.tif", 255 - grey, tile=tile, photometric="miniswhite"
    )
    got = open_slide(tmp_path / "a.tif").read(BOX, 0)
    assert np.array_equal(got, np.repeat(grey[BOX.slices][..., None], 3, 2))


@pytest.mark.parametrize("tile", [None, (128, 128)])
def test_resolution_tags(tmp_path, tissue_picture, tile):
    def mpp(resolution, unit):
        tifffile.imwrite(
            tmp_path / "a.tif",
            tissue_picture,
            tile=tile,
            photometric="rgb",
            resolution=resolution,
            resolutionunit=unit,
        )
        return open_slide(tmp_path / "a.tif").mpp_yx

    assert mpp((40000, 20000), "CENTIMETER") == pytest.approx((0.5, 0.25))
    assert mpp((50800, 50800), "INCH") == pytest.approx((0.5, 0.5))
    assert mpp((300, 300), "INCH") is None  # paper, not glass
    assert mpp((40000, 40000), "NONE") is None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.zeros((5, 300, 300), np.uint8), "fluorescence"),
        (np.zeros((300, 300), np.float32), "float32"),
        (np.zeros((300, 300), np.int16), "int16"),
    ],
)
@pytest.mark.parametrize("tile", [None, (128, 128)])
def test_other_pixels_are_refused_in_words(tmp_path, data, sentence, tile):
    tifffile.imwrite(tmp_path / "a.tif", data, tile=tile, photometric="minisblack")
    with pytest.raises(SlideOpenError, match=sentence):
        open_slide(tmp_path / "a.tif")


def test_a_tile_that_is_left_out_is_white(tmp_path, tissue_picture):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, tissue_picture, tile=(128, 128), photometric="rgb")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tag = tiff.pages[0].tags["TileByteCounts"]
        tag.overwrite([0, *tag.value[1:]])
    got = open_slide(path).read(Box(100, 100, 60, 60), 0)
    assert (got[:28, :28] == 255).all()
    assert np.array_equal(got[28:, 28:], tissue_picture[128:160, 128:160])


def test_a_file_cut_off_in_the_pixels_reads_up_to_there(tmp_path, tissue_picture):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, tissue_picture, tile=(128, 128), photometric="rgb")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    slide = open_slide(path)
    first = slide.read(Box(0, 0, 128, 128), 0)
    assert np.array_equal(first, tissue_picture[:128, :128])
    with pytest.raises(SlideReadError, match=r"tile \d+ .* bytes are there"):
        slide.read(Box(600, 700, 64, 64), 0)


def test_decoded_tiles_are_kept_within_a_limit(tmp_path, tissue_picture, monkeypatch):
    from napari_histossl.slide import _tiff

    monkeypatch.setattr(_tiff, "_KEPT_BYTES", 128 * 128 * 3 * 4)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, tissue_picture, tile=(128, 128), photometric="rgb")
    slide = check(path, tissue_picture)
    assert slide._kept._held_bytes <= 128 * 128 * 3 * 4
