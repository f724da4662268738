import itertools

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import MissingScaleError, NoTissueError, StudyError
from napari_histossl.slide import ArraySlide, read_virtual
from napari_histossl.slide.tissue import find_tissue
from napari_histossl.study import create_study, cut_crops, iterate_crops
from napari_histossl.study.crops import area_mean


def _pixels(path):
    return np.asarray(Image.open(path))


def _boxes(slide, out, **options):
    return [progress.box for progress in iterate_crops(slide, out, **options)]


def test_crops_are_pixels_of_the_slide_on_tissue(array_slide, tmp_path):
    boxes = _boxes(array_slide, tmp_path / "out", count=6, size_px=64)
    paths = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in paths] == [f"crop_{n:04d}.png" for n in range(1, 7)]
    tissue = find_tissue(array_slide)
    for box, path in zip(boxes, paths, strict=True):
        np.testing.assert_array_equal(_pixels(path), read_virtual(array_slide, box, 0))
        assert tissue.fraction(box) >= 0.8
        with Image.open(path) as opened:
            assert opened.info == {}
    for one, other in itertools.combinations(boxes, 2):
        assert one.intersection(other) is None


def test_seed_decides(array_slide, tmp_path):
    first = _boxes(array_slide, tmp_path / "a", count=4, size_px=64)
    assert _boxes(array_slide, tmp_path / "b", count=4, size_px=64) == first
    assert _boxes(array_slide, tmp_path / "c", count=4, size_px=64, seed=1) != first


@pytest.mark.parametrize(
    ("mpp", "level", "side_px"),
    [
        (0.5, 0, 32),
        (0.52, 0, 32),
        (0.6, 0, 38),
        (0.98, 1, 32),
        (1.0, 1, 32),
        (1.4, 1, 45),
    ],
)
def test_scale_is_met_by_level_and_area_mean(
    array_slide, tmp_path, mpp, level, side_px
):
    (box, *_) = _boxes(array_slide, tmp_path / "out", count=2, size_px=32, mpp=mpp)
    assert box.shape == (side_px, side_px)
    crop = _pixels(tmp_path / "out" / "crop_0001.png")
    assert crop.shape == (32, 32, 3)
    read = read_virtual(array_slide, box, level)
    np.testing.assert_allclose(crop.mean((0, 1)), read.mean((0, 1)), atol=0.05)
    if side_px == 32:
        np.testing.assert_array_equal(crop, read)


def test_mean_of_areas():
    picture = np.zeros((3, 3, 3), np.uint8)
    picture[0, 0] = 90
    picture[1, 1] = 180
    small = area_mean(picture, 2)[..., 0]
    # A pixel covers 1.5 x 1.5: the middle one gives a quarter of itself to each.
    assert small.tolist() == [[60, 20], [20, 20]]
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (60, 60, 3), np.uint8)
    whole = noise.reshape(20, 3, 20, 3, 3).mean((1, 3))
    np.testing.assert_array_equal(area_mean(noise, 20), np.rint(whole))


def test_what_cannot_be_cut_is_said_and_nothing_is_left(array_slide, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(StudyError, match=r"never seen: ask for 0\.5"):
        cut_crops(array_slide, out, 2, 64, mpp=0.25)
    with pytest.raises(StudyError, match=r"room for \d+ crops"):
        cut_crops(array_slide, out, 500, 64)
    with pytest.raises(StudyError, match="at least 1"):
        cut_crops(array_slide, out, 0)
    unscaled = ArraySlide(read_virtual(array_slide, array_slide.levels[0].box, 0))
    with pytest.raises(MissingScaleError, match="say its scale"):
        cut_crops(unscaled, out, 2, 64, mpp=0.5)
    assert len(cut_crops(unscaled, tmp_path / "in pixels", 2, 64)) == 2
    glass = ArraySlide(np.full((600, 600, 3), 244, np.uint8), mpp_yx=(0.5, 0.5))
    with pytest.raises((NoTissueError, StudyError)):
        cut_crops(glass, out, 2, 64)
    assert not out.exists()


def test_filled_folders_are_left_alone(array_slide, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    for out in (tmp_path, tmp_path / "note.txt"):
        with pytest.raises(StudyError, match="not an empty folder"):
            cut_crops(array_slide, out, 2, 64)
    (tmp_path / "empty").mkdir()
    assert len(cut_crops(array_slide, tmp_path / "empty", 2, 64)) == 2


def test_closing_half_way_leaves_nothing(array_slide, tmp_path):
    work = iterate_crops(array_slide, tmp_path / "out", 5, 64)
    next(work)
    work.close()
    assert list(tmp_path.iterdir()) == []


def test_crops_of_two_slides_make_a_study(array_slide, tissue_picture, tmp_path):
    mirrored = ArraySlide(tissue_picture[:, ::-1].copy(), mpp_yx=(0.5, 0.5))
    for slide, name in ((array_slide, "real"), (mirrored, "made")):
        cut_crops(slide, tmp_path / name, 5, 64, mpp=0.5, seed=len(name))
    files = create_study(tmp_path / "s", tmp_path / "real", tmp_path / "made", mpp=0.5)
    assert files.warnings == ()
