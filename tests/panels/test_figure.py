"""Figures: every pixel where it belongs, no text over another one."""

import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import PlanError, StoreError
from napari_histossl.panels.figure import (
    Bar,
    ColourBar,
    Figure,
    Pixels,
    lay_out,
    merge,
    scale_length_um,
)
from napari_histossl.panels.figure_file import draw, save_figure, to_svg
from napari_histossl.panels.overlay_colours import COLOUR_MAPS, colour_table, paint

LEGEND = (
    ("Slide", "CMU-1-Small-Region.svs"),
    ("Model", "vit_small_patch16, weights 0123abcd, head 5 of the last block"),
    ("Values", "attention of the class token, softmax within one tile " * 4),
    ("File", "a_name_without_any_space_" * 12),
)


@pytest.fixture
def figure(rng):
    picture = rng.integers(0, 256, (500, 800, 3), np.uint8)
    overlay = np.zeros((500, 800, 4), np.float32)
    overlay[100:200, 100:300] = (1, 0, 0, 0.5)
    bar = ColourBar(colour_table("viridis"), (0.0, 3.25), "attention (1 = uniform)")
    return Figure(picture, overlay, 0.5, bar, LEGEND)


def boxes_cross(one, other):
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


@pytest.mark.parametrize("shape", [(500, 800), (90, 120), (1400, 300), (900, 2400)])
@pytest.mark.parametrize("um", [0.25, 7.3, None])
def test_nothing_covers_anything(figure, shape, um):
    picture = np.zeros((*shape, 3), np.uint8)
    layout = lay_out(replace(figure, picture=picture, overlay=None, um_per_pixel=um))
    for index, one in enumerate(layout.pieces):
        assert one.x >= 0
        assert one.y >= 0
        assert one.x + one.width <= layout.width
        assert one.y + one.height <= layout.height
        for other in layout.pieces[index + 1 :]:
            assert not boxes_cross(one, other), (one, other)
    said = "".join(text.text for text in layout.texts).replace(" ", "")
    for name, value in LEGEND:
        assert f"{name}:{value}".replace(" ", "") in said, "something was cut off"


def test_pixels_of_slide_and_overlay(figure):
    layout = lay_out(figure)
    picture = next(piece for piece in layout.pieces if isinstance(piece, Pixels))
    drawn = np.asarray(draw(layout)).astype(int)
    part = drawn[picture.y : picture.y + 500, picture.x : picture.x + 800]
    outside = np.ones((500, 800), bool)
    outside[100:200, 100:300] = False
    np.testing.assert_array_equal(part[outside], figure.picture[outside])
    inside = part[100:200, 100:300]
    expected = figure.picture[100:200, 100:300] * 0.5 + np.array((127.5, 0, 0))
    assert np.abs(inside - expected).max() <= 1


def test_the_scale_bar_is_as_long_as_it_says(figure):
    layout = lay_out(figure)  # 800 px of 0.5 um: 400 um
    (bar,) = [piece for piece in layout.pieces if isinstance(piece, Bar)]
    assert "100 µm" in [text.text for text in layout.texts]
    assert bar.width == 200
    drawn = np.asarray(draw(layout))
    row = drawn[bar.y + bar.height // 2, :, :].sum(-1) < 200
    assert row.sum() == 200
    assert row[bar.x : bar.x + 200].all()


@pytest.mark.parametrize(
    ("width", "length"), [(400, 100), (90, 20), (1999, 200), (8000, 2000), (3.9, 0.5)]
)
def test_scale_lengths_are_round(width, length):
    assert scale_length_um(width) == pytest.approx(length)


def test_without_a_scale_there_is_no_bar_but_a_word(figure):
    layout = lay_out(replace(figure, um_per_pixel=None))
    assert not [piece for piece in layout.pieces if isinstance(piece, Bar)]
    assert "scale not known" in [text.text for text in layout.texts]


def test_the_colour_bar_has_its_ends_and_its_unit(figure):
    layout = lay_out(figure)
    texts = [text.text for text in layout.texts]
    assert texts.index("0") < texts.index("3.25") < texts.index(figure.colour_bar.unit)
    colours = [piece for piece in layout.pieces if isinstance(piece, Pixels)][1]
    drawn = np.asarray(draw(layout))
    row = drawn[colours.y + 1, colours.x : colours.x + colours.width]
    assert tuple(row[0]) == (255, 255, 255)  # nothing is shown there
    assert tuple(row[-1]) == (253, 231, 37)  # the last colour of viridis


def test_an_svg_has_the_pictures_and_text_as_text(figure, tmp_path):
    path = tmp_path / "figure.svg"
    save_figure(replace(figure, legend=(("Slide", "a <b> & c"),)), path)
    text = path.read_text(encoding="utf-8")
    assert text == to_svg(lay_out(replace(figure, legend=(("Slide", "a <b> & c"),))))
    assert "Slide: a &lt;b&gt; &amp; c</text>" in text
    assert len(re.findall("data:image/png;base64,", text)) == 2


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".pdf"])
def test_files(figure, tmp_path, suffix):
    path = tmp_path / f"figure{suffix}"
    save_figure(figure, path)
    if suffix == ".pdf":
        assert path.read_bytes().startswith(b"%PDF")
        return
    with Image.open(path) as image:
        layout = lay_out(figure)
        assert image.size == (layout.width, layout.height)


def test_what_cannot_be_written_is_told(figure, tmp_path):
    with pytest.raises(PlanError, match=r"\.png"):
        save_figure(figure, tmp_path / "figure.bmp")
    with pytest.raises(StoreError, match="another place"):
        save_figure(figure, tmp_path / "nowhere" / "figure.png")
    with pytest.raises(PlanError, match="does not lie"):
        merge(figure.picture, figure.overlay[1:])


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colours_and_what_is_left_out(name):
    table = colour_table(name, clear=False, threshold=0.25)
    values = np.array([[0.0, 0.49, 0.51, 2.0, 9.0, np.nan]], np.float32)
    painted = paint(values, table, (0.0, 2.0))[0]
    assert [bool(opacity) for opacity in painted[:, 3]] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]
    np.testing.assert_array_equal(painted[3], painted[4])


def test_low_values_let_the_tissue_through():
    table = colour_table("viridis")
    assert table[0, 3] == 0
    assert (np.diff(table[:, 3]) >= 0).all()
    assert table[-1, 3] == 1
