import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from napari_histossl.errors import StudyError
from napari_histossl.study.pictures import (
    cut_centre,
    encode_png,
    list_pictures,
    read_picture,
)


def _noise(height=6, width=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def _chunks(png):
    place, found = 8, []
    while place < len(png):
        length = int.from_bytes(png[place : place + 4], "big")
        found.append(png[place + 4 : place + 8])
        place += 12 + length
    return found


def test_png_holds_pixels_and_nothing_else():
    picture = _noise(300, 200)
    png = encode_png(picture)
    assert set(_chunks(png)) == {b"IHDR", b"IDAT", b"IEND"}
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), picture)


def test_length_of_a_png_does_not_depend_on_what_is_on_it():
    pictures = [
        np.zeros((64, 64, 3), np.uint8),
        _noise(64, 64),
        np.broadcast_to(np.arange(64, dtype=np.uint8)[:, None, None], (64, 64, 3)),
    ]
    assert len({len(encode_png(picture)) for picture in pictures}) == 1


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_lossless_pictures_come_back_equal(tmp_path, suffix):
    path = tmp_path / f"größe.{suffix}"
    Image.fromarray(_noise()).save(path)
    np.testing.assert_array_equal(read_picture(path), _noise())


def test_grey_palette_and_cmyk_become_rgb(tmp_path):
    grey = Image.fromarray(_noise()).convert("L")
    for mode in ("L", "P", "CMYK", "1"):
        path = tmp_path / f"{mode}.tif"
        grey.convert(mode).save(path)
        assert read_picture(path).shape == (6, 8, 3)


def test_transparent_is_white_and_opaque_alpha_is_dropped(tmp_path):
    alpha = np.full((6, 8), 255, np.uint8)
    alpha[:, :4] = 0
    Image.fromarray(np.dstack([_noise(), alpha])).save(tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png")
    assert (read[:, :4] == 255).all()
    np.testing.assert_array_equal(read[:, 4:], _noise()[:, 4:])


def test_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise to be upright
    Image.fromarray(_noise()).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(
        read_picture(tmp_path / "turned.png"), np.rot90(_noise(), -1)
    )


def test_profile_is_brought_to_srgb(tmp_path):
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(_noise()).save(tmp_path / "srgb.png", icc_profile=same)
    difference = read_picture(tmp_path / "srgb.png").astype(int) - _noise()
    assert abs(difference).max() <= 1

    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    Image.fromarray(_noise()).save(tmp_path / "odd.png", icc_profile=lab)
    with pytest.raises(StudyError, match=r"odd\.png"):
        read_picture(tmp_path / "odd.png")

    Image.fromarray(_noise()).save(tmp_path / "bad.png", icc_profile=b"no profile")
    with pytest.raises(StudyError, match="colour profile"):
        read_picture(tmp_path / "bad.png")


def test_sixteen_bits_and_several_pages_are_refused(tmp_path):
    deep = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000
    Image.fromarray(deep).save(tmp_path / "deep.png")
    with pytest.raises(StudyError, match="8 bits"):
        read_picture(tmp_path / "deep.png")
    page = Image.fromarray(_noise())
    page.save(tmp_path / "two.tif", save_all=True, append_images=[page])
    with pytest.raises(StudyError, match="2 pages"):
        read_picture(tmp_path / "two.tif")


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "bmp", "webp"])
def test_damaged_pictures_are_refused_or_read_never_crash(tmp_path, suffix):
    sink = io.BytesIO()
    Image.fromarray(_noise(40, 40)).save(
        sink, {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)
    )
    whole = sink.getvalue()
    rng = np.random.default_rng(3)
    refused = 0
    for trial in range(60):
        damaged = bytearray(whole)
        if trial % 2:
            del damaged[rng.integers(len(damaged)) :]
        else:
            for place in rng.integers(0, len(damaged), 5):
                damaged[place] ^= int(rng.integers(1, 256))
        path = tmp_path / f"{trial}.{suffix}"
        path.write_bytes(damaged)
        try:
            read_picture(path)
        except StudyError as error:
            assert path.name in str(error)  # noqa: PT017
            refused += 1
    assert refused > 20


def test_checksum_of_a_png_is_checked(tmp_path):
    png = bytearray(encode_png(_noise()))
    png[45] ^= 1
    (tmp_path / "a.png").write_bytes(png)
    with pytest.raises(StudyError, match=r"a\.png"):
        read_picture(tmp_path / "a.png")


def test_centre_is_cut():
    picture = _noise(7, 9)
    np.testing.assert_array_equal(cut_centre(picture, (3, 5), "x"), picture[2:5, 2:7])
    with pytest.raises(StudyError, match="smaller"):
        cut_centre(picture, (8, 8), "x")


def test_pictures_of_a_folder_in_natural_order(tmp_path):
    for name in ("b10.png", "b9.PNG", "notes.txt", ".hidden.png"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_pictures(tmp_path)] == ["b9.PNG", "b10.png"]


def test_no_folder_and_no_picture(tmp_path):
    with pytest.raises(StudyError, match="no folder"):
        list_pictures(tmp_path / "nowhere")
    with pytest.raises(StudyError, match="no picture"):
        list_pictures(tmp_path)
