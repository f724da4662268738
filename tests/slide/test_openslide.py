from __future__ import annotations

import numpy as np
import openslide
import pytest
import tifffile

from napari_histossl.errors import SlideOpenError, SlideReadError
from napari_histossl.geometry import Box
from napari_histossl.slide import open_slide, read_virtual, virtual_levels

CMU = "slides/CMU-1-Small-Region.svs"
TCGA = "slides/TCGA-CR-7395-01A-01-TS1.svs"
DICOM = "dicom/CMU-1-Small-Region"


def svs(path, pictures):
    """Write pictures as an SVS with JPEG tiles, finest first."""
    height, width = pictures[0].shape[:2]
    with tifffile.TiffWriter(path) as writer:
        for picture in pictures:
            writer.write(
                picture,
                tile=(128, 128),
                photometric="rgb",
                compression="jpeg",
                description=f"Aperio Image Library v12 \r\n{width}x{height}|MPP = 0.5",
                metadata=None,
            )
    return path


def test_real_slide(real_slide, real_data):
    assert [level.shape for level in real_slide.levels] == [(2967, 2220)]
    assert real_slide.mpp_yx == (0.499, 0.499)
    assert real_slide.properties["openslide.vendor"] == "aperio"
    with tifffile.TiffFile(real_data(CMU)) as tiff:
        page = tiff.pages[0].asarray()
    got = real_slide.read(Box(1000, 700, 300, 400), 0)
    assert np.array_equal(got, page[1000:1300, 700:1100])


def test_slide_without_a_scale(real_data):
    slide = open_slide(real_data(TCGA))
    assert slide.mpp_yx is None
    assert [level.shape for level in slide.levels] == [(3567, 4443), (1783, 2221)]
    assert slide.levels[1].downsample == pytest.approx(2.0005, abs=1e-4)


def test_fractional_level_is_the_same_however_it_is_cut(real_data):
    slide = open_slide(real_data(TCGA))
    whole = slide.read(Box(600, 900, 600, 500), 1)
    part = slide.read(Box(733, 1001, 300, 211), 1)
    assert np.array_equal(part, whole[133:433, 101:312])
    whole = read_virtual(slide, virtual_levels(slide)[2].box, 2)
    assert np.array_equal(
        read_virtual(slide, Box(300, 400, 99, 77), 2), whole[300:399, 400:477]
    )


def test_dicom_is_the_same_slide(real_data, real_slide):
    path = min(real_data(DICOM).glob("*.dcm"))
    slide = open_slide(path)
    assert slide.mpp_yx == (0.499, 0.499)
    box = Box(500, 500, 256, 256)
    # encoded anew, hence not equal to the last bit
    difference = slide.read(box, 0).astype(float) - real_slide.read(box, 0)
    assert np.abs(difference).mean() < 1.5


@pytest.mark.parametrize("name", [CMU, TCGA])
@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_real_slide_cut_off_is_refused(tmp_path, real_data, name, share):
    data = real_data(name).read_bytes()
    path = tmp_path / "cut.svs"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SlideOpenError, match=r"cut\.svs is incomplete") as caught:
        open_slide(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_tile_is_an_error_and_the_others_can_still_be_read(
    tmp_path, tissue_picture
):
    path = svs(tmp_path / "a.svs", [tissue_picture])
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        offset, count = page.dataoffsets[0], page.databytecounts[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\0" * count)
    assert openslide.OpenSlide.detect_format(path) == "aperio"
    slide = open_slide(path)
    with pytest.raises(SlideReadError, match="row 0, column 0"):
        slide.read(Box(0, 0, 100, 100), 0)
    good = slide.read(Box(300, 300, 100, 100), 0).astype(float)
    assert np.abs(good - tissue_picture[300:400, 300:400]).mean() < 15
    with pytest.raises(SlideReadError):
        slide.read(Box(0, 0, 100, 100), 0)


def test_closing(tmp_path, tissue_picture):
    slide = open_slide(svs(tmp_path / "a.svs", [tissue_picture]))
    slide.close()
    slide.close()
    with pytest.raises(SlideReadError, match="closed"):
        slide.read(Box(0, 0, 10, 10), 0)
