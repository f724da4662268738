"""Outlines of ASAP: read, written, read again."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from masks_in_memory import ArrayMask

from napari_histossl.annotate.formats import asap, geojson
from napari_histossl.annotate.formats.shapes import Polygon, Shape, Shapes
from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.errors import AnnotationError

AS_ASAP_WRITES = """<?xml version="1.0"?>
<ASAP_Annotations>
\t<Annotations>
\t\t<Annotation Name="Nest &amp; 1" Type="Polygon" PartOfGroup="Tumor" Color="#F4FA58">
\t\t\t<Coordinates>
\t\t\t\t<Coordinate Order="0" X="10" Y="20" />
\t\t\t\t<Coordinate Order="1" X="30,5" Y="20" />
\t\t\t\t<Coordinate Order="2" X="30.5" Y="40" />
\t\t\t\t<Coordinate Order="3" X="10" Y="40" />
\t\t\t</Coordinates>
\t\t</Annotation>
\t\t<Annotation Name="A" Type="Dot" PartOfGroup="None" Color="#F4FA58">
\t\t\t<Coordinates><Coordinate Order="0" X="1" Y="2" /></Coordinates>
\t\t</Annotation>
\t\t<Annotation Name="B" Type="Rectangle" PartOfGroup="None" Color="#F4FA58">
\t\t\t<Coordinates>
\t\t\t\t<Coordinate Order="0" X="0" Y="0" /><Coordinate Order="1" X="5" Y="0" />
\t\t\t\t<Coordinate Order="2" X="5" Y="5" /><Coordinate Order="3" X="0" Y="5" />
\t\t\t</Coordinates>
\t\t</Annotation>
\t</Annotations>
\t<AnnotationGroups>
\t\t<Group Name="Tumor" PartOfGroup="None" Color="#64FE2E"><Attributes /></Group>
\t</AnnotationGroups>
</ASAP_Annotations>
"""


@pytest.fixture
def save(tmp_path):
    def write(text):
        path = tmp_path / "é.xml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def outline_of(shape: Shape):
    return shapely.union_all(
        [shapely.Polygon(p.shell, p.holes) for p in shape.polygons]
    )


def test_what_asap_writes(save):
    found = asap.read(save(AS_ASAP_WRITES))
    nest, rectangle = found
    assert (nest.class_name, nest.name) == ("Tumor", "Nest & 1")
    assert nest.colour == (0x64, 0xFE, 0x2E), "the colour of the group"
    assert nest.polygons[0].shell.tolist() == [
        [20, 10], [20, 30.5], [40, 30.5], [40, 10],
    ]  # fmt: skip
    assert (rectangle.class_name, rectangle.colour) == ("", None)
    assert found.remarks == ("skipped, as they enclose no area: 1 points",)


@settings(max_examples=150, deadline=None)
@given(array=arrays(np.uint8, (12, 12), elements=st.sampled_from([0, 1, 1, 1, 2])))
def test_a_mask_comes_back_region_by_region_holes_included(array, tmp_path_factory):
    folder = tmp_path_factory.mktemp("asap")
    list(asap.write(ArrayMask(array), folder / "a.xml"))
    list(geojson.write(ArrayMask(array), folder / "a.geojson"))
    found = asap.read(folder / "a.xml")
    expected = geojson.read(folder / "a.geojson")
    assert found.remarks == ()
    assert len(found) == len(expected)
    for got, wanted in zip(found, expected, strict=True):
        assert (got.class_name, got.colour) == (wanted.class_name, wanted.colour)
        assert outline_of(got).equals(outline_of(wanted))


def test_objects_of_qupath_go_over_to_asap(tmp_path):
    yx = np.array([[100000.25, 99999.5], [100000.25, 99999.75], [100001, 100003]])
    parts = (Polygon(yx), Polygon(yx + 50))
    shapes = Shapes((Shape(parts, 'a "b" <c>', (1, 2, 3)), Shape(parts[:1])))
    list(asap.write(shapes, tmp_path / "a.xml"))
    found = asap.read(tmp_path / "a.xml")
    assert [shape.class_name for shape in found] == ['a "b" <c>', 'a "b" <c>', ""]
    np.testing.assert_array_equal(found.shapes[1].polygons[0].shell, yx + 50)
    assert found.class_names() == {'a "b" <c>': (1, 2, 3)}


def test_regions_lie_on_the_slide_and_have_their_classes(tmp_path):
    array = np.zeros((6, 8), np.uint8)
    array[1:3, 2:4] = 3
    list(asap.write(ArrayMask(array, 4.0), tmp_path / "a.xml"))
    (shape,) = asap.read(tmp_path / "a.xml")
    assert shape.class_name == DEFAULT_CLASSES[3].name
    assert shape.polygons[0].shell.tolist() == [[4, 8], [4, 16], [12, 16], [12, 8]]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('X="10" Y="20"', 'X="nan" Y="20"', "annotation 1 .* finite numbers"),
        ('X="10" Y="20"', 'X="ten" Y="20"', "expected numbers X and Y"),
        ('X="10" Y="20"', 'Y="20"', "expected numbers X and Y"),
        ('"Polygon"', '"Blob"', "unknown type 'Blob'"),
        ('PartOfGroup="Tumor"', f'PartOfGroup="{"x" * 10_000}"', "10,000 characters"),
        ('PartOfGroup="Tumor"', 'PartOfGroup="..\\..\\x"', "is a path"),
        ("</Annotations>", "", "no XML, or damaged"),
        ("ASAP_Annotations", "Something", "no ASAP_Annotations"),
        (
            "<ASAP_Annotations>",
            '<!DOCTYPE x [<!ENTITY a "aaaaaaaa">]><ASAP_Annotations>',
            "document type",
        ),
    ],
)
def test_a_bad_file_is_one_sentence(save, old, new, words):
    with pytest.raises(AnnotationError, match=words) as error:
        asap.read(save(AS_ASAP_WRITES.replace(old, new)))
    assert "é.xml" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 250
