from __future__ import annotations

import errno

import numpy as np
import openslide
import pytest
import tifffile

from napari_histossl.errors import SlideReadError, StoreError
from napari_histossl.geometry import Box, Level
from napari_histossl.slide import ArraySlide, Slide, open_slide
from napari_histossl.store import tiff as tiff_module
from napari_histossl.store import write_tiff


def smooth_slide(height, width, mpp=(0.5, 0.5)):
    """A slide that JPEG hardly changes: slow waves."""
    rows, columns = np.mgrid[:height, :width]
    picture = np.stack(
        [
            150 + 60 * np.sin(rows / 90),
            150 + 60 * np.cos(columns / 70),
            150 + 50 * np.sin((rows + columns) / 120),
        ],
        axis=-1,
    )
    return ArraySlide(picture.astype(np.uint8), mpp_yx=mpp, name="waves")


def difference(first, second):
    return np.abs(first.astype(float) - second).mean()


def test_openslide_opens_it_with_its_scale_and_pixels(tmp_path):
    slide = smooth_slide(2304, 3072)
    steps = list(write_tiff(slide, tmp_path / "ä.svs"))
    assert steps[-1].done == steps[-1].total == 9
    assert [s.box.y for s in steps] == list(range(0, 2304, 256))
    assert openslide.OpenSlide.detect_format(tmp_path / "ä.svs") == "aperio"
    written = open_slide(tmp_path / "ä.svs")
    assert written.mpp_yx == pytest.approx((0.5, 0.5))
    assert written.properties["openslide.objective-power"] == "20"
    assert [level.shape for level in written.levels] == [(2304, 3072), (576, 768)]
    assert [level.downsample for level in written.levels] == [1, 4]
    whole = slide.read(slide.levels[0].box, 0)
    assert difference(written.read(written.levels[0].box, 0), whole) < 2
    means = whole.reshape(576, 4, 768, 4, 3).mean((1, 3))
    assert difference(written.read(written.levels[1].box, 1), means) < 2


@pytest.mark.parametrize("shape", [(2500, 701), (100, 3000), (9000, 40), (1, 1)])
def test_odd_shapes(tmp_path, shape):
    slide = smooth_slide(*shape)
    list(write_tiff(slide, tmp_path / "a.svs", quality=95))
    with tifffile.TiffFile(tmp_path / "a.svs") as tiff:
        pages = [page for page in tiff.pages if page.is_tiled]
        assert pages[0].shape == (*shape, 3)
        picture = slide.read(slide.levels[0].box, 0)
        assert difference(pages[0].asarray(), picture) < 2
        for page in pages[1:]:
            height, width = page.shape[:2]
            ys = np.minimum(np.arange(height) * (picture.shape[0] / height), shape[0])
            xs = np.minimum(np.arange(width) * (picture.shape[1] / width), shape[1])
            sampled = picture[np.ix_(ys.astype(int), xs.astype(int))]
            assert difference(page.asarray(), sampled) < 6
        assert not tiff.pages[1].is_tiled
        assert max(tiff.pages[1].shape) <= 768
    assert open_slide(tmp_path / "a.svs").levels[0].shape == shape


def test_a_slide_without_a_scale_says_none(tmp_path):
    list(write_tiff(smooth_slide(300, 300, None), tmp_path / "a.svs"))
    assert open_slide(tmp_path / "a.svs").mpp_yx is None


def test_closing_leaves_nothing_behind(tmp_path):
    work = write_tiff(smooth_slide(2000, 500), tmp_path / "a.svs")
    next(work)
    assert [path.name for path in tmp_path.iterdir()] == ["a.svs.partial"]
    work.close()
    assert not list(tmp_path.iterdir())


def test_an_older_file_stays_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "a.svs"
    path.write_text("old")
    work = write_tiff(smooth_slide(2000, 500), path)
    next(work)
    assert path.read_text() == "old"
    list(work)
    assert open_slide(path).levels[0].shape == (2000, 500)


class BrokenSlide(Slide):
    """Cannot be read below row 500."""

    levels = (Level((1000, 300), 1.0),)
    mpp_yx = None
    source = ArraySlide(np.zeros((1, 1, 3), np.uint8)).source

    def _read_inside(self, box: Box, level: int) -> np.ndarray:
        if box.y1 > 500:
            raise SlideReadError("row 500 cannot be decoded")
        return np.zeros((*box.shape, 3), np.uint8)

    def close(self) -> None: ...


def test_what_goes_wrong_leaves_nothing_behind(tmp_path):
    with pytest.raises(SlideReadError, match="row 500"):
        list(write_tiff(BrokenSlide(), tmp_path / "a.svs"))
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be read or written"):
        list(write_tiff(BrokenSlide(), tmp_path / "file" / "a.svs"))


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    class Full(tiff_module.BigTiff):
        def put(self, page, index, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tiff_module, "BigTiff", Full)
    with pytest.raises(StoreError, match="No space left"):
        list(write_tiff(smooth_slide(300, 300), tmp_path / "a.svs"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"tile_px": 100}, {"quality": 0}])
def test_parameters_are_checked(tmp_path, options):
    with pytest.raises(StoreError, match="multiple of 16"):
        list(write_tiff(smooth_slide(30, 30), tmp_path / "a.svs", **options))
