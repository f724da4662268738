from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import (
    GeometryError,
    MissingScaleError,
    SlideOpenError,
    SlideReadError,
)
from napari_histossl.geometry import Box
from napari_histossl.slide import FileSource, open_slide


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_a_picture_is_a_slide_of_one_level(tmp_path, tissue_picture, suffix):
    path = tmp_path / f"schöne 図.{suffix}"
    Image.fromarray(tissue_picture).save(path)
    with open_slide(path) as slide:
        assert [level.shape for level in slide.levels] == [(700, 900)]
        assert slide.mpp_yx is None
        assert slide.source.name == path.name
        got = slide.read(Box(-5, 10, 50, 60), 0)
    assert (got[:5] == 255).all()
    assert np.array_equal(got[5:], tissue_picture[:45, 10:70])


def test_a_jpeg_opens(tmp_path, tissue_picture):
    Image.fromarray(tissue_picture).save(tmp_path / "a.jpg", quality=95)
    slide = open_slide(tmp_path / "a.jpg")
    got = slide.read(slide.levels[0].box, 0).astype(float)
    assert np.abs(got - tissue_picture).mean() < 4


def test_transparent_pixels_are_white(tmp_path):
    picture = np.zeros((4, 4, 4), np.uint8)
    picture[:2, :, 3] = 255
    picture[2:, :2, 3] = 128
    Image.fromarray(picture).save(tmp_path / "a.png")
    got = open_slide(tmp_path / "a.png").read(Box(0, 0, 4, 4), 0)
    assert (got[:2] == 0).all()
    assert (got[2:, :2] == 127).all()
    assert (got[2:, 2:] == 255).all()


def test_one_pixel(tmp_path):
    Image.fromarray(np.full((1, 1, 3), 7, np.uint8)).save(tmp_path / "a.png")
    slide = open_slide(tmp_path / "a.png")
    assert slide.read(Box(0, 0, 1, 1), 0).tolist() == [[[7, 7, 7]]]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("text.svs", b"not a slide at all", "is not a slide: it begins with b'not a"),
        ("empty.svs", b"", "is empty"),
        ("cut.tif", b"II*\0\0\1\0\0", "is incomplete"),
        ("cut.png", b"\x89PNG\r\n\x1a\n", "cannot be decoded"),
    ],
)
def test_what_is_not_a_slide_gets_one_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SlideOpenError, match=sentence) as caught:
        open_slide(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(SlideOpenError, match="does not exist"):
        open_slide(tmp_path / "none.svs")
    with pytest.raises(SlideOpenError, match="is a folder"):
        open_slide(tmp_path)
    with pytest.raises(OSError, match="does not exist"):
        open_slide(tmp_path / "none.svs")


def test_a_huge_untiled_picture_is_refused_with_the_way_out(tmp_path):
    Image.new("1", (12_000, 9_000)).save(tmp_path / "bomb.png")
    with pytest.raises(SlideOpenError, match="vips tiffsave"):
        open_slide(tmp_path / "bomb.png")


def test_a_scale_given_by_hand_is_remembered(tmp_path, tiny_tiff):
    assert open_slide(tiny_tiff).mpp_yx == (0.5, 0.5)
    slide = open_slide(tiny_tiff, mpp=(0.25, 0.26))
    assert slide.mpp_yx == (0.25, 0.26)
    assert pickle.loads(pickle.dumps(slide.source)).open().mpp_yx == (0.25, 0.26)
    for wrong in (0, -1, float("nan"), "x", (1, 2, 3)):
        with pytest.raises(GeometryError, match="positive"):
            open_slide(tiny_tiff, mpp=wrong)


def test_a_missing_scale_says_how_to_give_it(tmp_path, tissue_picture):
    Image.fromarray(tissue_picture).save(tmp_path / "a.png")
    with pytest.raises(MissingScaleError, match="--mpp"):
        open_slide(tmp_path / "a.png").require_mpp()


def test_a_slide_can_travel_to_another_process(tiny_tiff):
    slide = open_slide(tiny_tiff)
    copy = pickle.loads(pickle.dumps(slide))
    box = Box(100, 100, 50, 50)
    assert np.array_equal(copy.read(box, 0), slide.read(box, 0))


def test_fingerprint_tells_files_apart_and_stays(tmp_path, tiny_tiff):
    first = FileSource(tiny_tiff).fingerprint
    assert first == FileSource(tiny_tiff, (1.0, 1.0)).fingerprint
    data = bytearray(tiny_tiff.read_bytes())
    data[-1] ^= 1
    other = tmp_path / "other.tif"
    other.write_bytes(data)
    assert FileSource(other).fingerprint != first


def test_a_closed_slide_says_so(tiny_tiff, tmp_path, tissue_picture):
    Image.fromarray(tissue_picture).save(tmp_path / "a.png")
    for path in (tiny_tiff, tmp_path / "a.png"):
        slide = open_slide(path)
        slide.close()
        slide.close()
        with pytest.raises(SlideReadError, match="closed"):
            slide.read(Box(0, 0, 10, 10), 0)


@pytest.mark.parametrize("kind", ["tiff", "openslide"])
def test_threads_read_the_same_pixels(kind, tiny_tiff, request):
    if kind == "openslide":
        slide = request.getfixturevalue("real_slide")
    else:
        slide = open_slide(tiny_tiff)
    boxes = [Box(37 * i % 500, 53 * i % 600, 150, 130) for i in range(24)]
    expected = [slide.read(box, 0) for box in boxes]
    wrong = []

    def read_all():
        for box, pixels in zip(boxes, expected, strict=True):
            if not np.array_equal(slide.read(box, 0), pixels):
                wrong.append(box)

    threads = [threading.Thread(target=read_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
