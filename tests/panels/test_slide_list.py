"""A table of slides: which columns count, and what is refused."""

import pytest

from napari_histossl.errors import PlanError
from napari_histossl.panels.slide_list import ListedSlide, read_slide_list


def table(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "slides.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_paths_count_from_the_table_and_scales_are_optional(tmp_path):
    path = table(
        tmp_path,
        "patient,slide,mpp\n1,a.svs,\n"
        '2,"sub/b, c.svs",0.25\n\n3,/data/ö.svs,0.5\n4,,\n',
    )
    assert read_slide_list(path) == [
        ListedSlide(tmp_path / "a.svs"),
        ListedSlide(tmp_path / "sub/b, c.svs", 0.25),
        ListedSlide(tmp_path / "/data/ö.svs", 0.5),
    ]


def test_a_table_that_a_spreadsheet_has_written(tmp_path):
    path = table(tmp_path, "Path,slide\r\nx,a.svs\r\n", encoding="utf-8-sig")
    assert read_slide_list(path) == [ListedSlide(tmp_path / "a.svs")]
    path = table(tmp_path, "filename\nb.svs\n", encoding="utf-8-sig")
    assert read_slide_list(path) == [ListedSlide(tmp_path / "b.svs")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,mpp\na,0.5\n", "columns 'name', 'mpp'; expected one named 'slide'"),
        ("", "expected one named 'slide'"),
        ("slide\n", "lists no slides"),
        ("slide\n  \n", "lists no slides"),
        ("slide,mpp\na.svs,half\n", "line 2: mpp is .* got 'half'"),
        ("slide,mpp\na.svs,\nb.svs,-1\n", "line 3"),
        ("slide,mpp\na.svs,inf\n", "line 2"),
    ],
)
def test_tables_that_are_refused(tmp_path, text, words):
    with pytest.raises(PlanError, match=words):
        read_slide_list(table(tmp_path, text))


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(PlanError, match="cannot be read"):
        read_slide_list(tmp_path / "absent.csv")
    with pytest.raises(PlanError, match="cannot be read"):
        read_slide_list(tmp_path)
    (tmp_path / "slides.csv").write_bytes(b"slide\n\xff\xfe\x00.svs\n")
    with pytest.raises(PlanError, match="cannot be read"):
        read_slide_list(tmp_path / "slides.csv")
