"""Objects of QuPath: read, written again, and what is wrong with a file said."""

import json

import numpy as np
import pytest

from napari_histossl.annotate.formats import _text, geojson
from napari_histossl.annotate.formats.shapes import Polygon, Shape, Shapes
from napari_histossl.errors import AnnotationError

SQUARE = [[10, 20], [30, 20], [30, 40], [10, 40], [10, 20]]  # x, y
HOLE = [[15, 25], [15, 30], [20, 30], [20, 25], [15, 25]]
BOW_TIE = [[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]


def feature(coordinates, kind="Polygon", **properties):
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


@pytest.fixture
def save(tmp_path):
    def write(*features, text=None):
        path = tmp_path / "Präparat é.geojson"
        collection = {"type": "FeatureCollection", "features": features}
        path.write_text(text or json.dumps(collection), encoding="utf-8")
        return path

    return write


def rings_of(shapes):
    return [
        [ring.tolist() for ring in polygon.rings]
        for shape in shapes
        for polygon in shape.polygons
    ]


def area(shapes):
    import shapely

    return sum(
        shapely.Polygon(polygon.shell, polygon.holes).area
        for shape in shapes
        for polygon in shape.polygons
    )


def test_what_qupath_writes(save):
    """As QuPath 0.5 writes it: an id, a plane, an ellipse, a derived class."""
    cell = feature(
        [SQUARE, HOLE],
        objectType="annotation",
        name="nest 7",
        classification={"names": ["Tumor", "Positive"], "color": [200, 0, 1]},
        isLocked=True,
        measurements={"Area µm^2": 12.5, "Solidity": float("nan")},
    )
    cell["id"] = "7ca1e6b4-6e2b-4a0b-9b63-9a53f0f7b1d2"
    cell["geometry"]["plane"] = {"c": -1, "z": 0, "t": 0}
    both = feature([[SQUARE], [[[x + 50, y] for x, y in SQUARE]]], "MultiPolygon")
    ellipse = feature(
        [SQUARE], classification={"name": "Stroma", "colorRGB": -16711936}
    )
    ellipse["geometry"]["isEllipse"] = True
    found = geojson.read(save(cell, both, ellipse))
    first, second, third = found
    assert first.class_name == "Tumor: Positive"
    assert first.colour == (200, 0, 1)
    assert first.name == "nest 7"
    assert first.measurements == {"Area µm^2": 12.5}
    assert rings_of([first])[0][0] == [[20, 10], [20, 30], [40, 30], [40, 10]]
    assert len(first.polygons[0].holes) == 1
    assert len(second.polygons) == 2
    assert second.class_name == ""
    assert (third.class_name, third.colour) == ("Stroma", (0, 255, 0))
    assert found.remarks == ("left out: 1 measurements that are no numbers",)
    assert found.class_names() == {
        "Tumor: Positive": (200, 0, 1),
        "Stroma": (0, 255, 0),
    }


def test_written_and_read_again_all_is_the_same(tmp_path, rng):
    triangle = np.array([[0.25, 0.5], [90.125, 3], [8, 77.5]])
    hole = np.array([[10.0, 10], [12, 10], [12, 13]])
    far = triangle + 200
    shapes = Shapes(
        (
            Shape((Polygon(triangle, (hole,)), Polygon(far)), "tumour", (1, 2, 3)),
            Shape((Polygon(far + 300),), "tumour", (1, 2, 3), "a", {"Länge": 1 / 3}),
            Shape((Polygon(np.array([[5.0, 5], [5, 9], [9, 9]])),)),
        )
    )
    path = tmp_path / "a.geojson"
    list(geojson.write(shapes, path))
    again = geojson.read(path)
    assert again.remarks == ()
    assert rings_of(again) == rings_of(shapes)
    for given, got in zip(shapes, again, strict=True):
        for field in ("class_name", "colour", "name"):
            assert getattr(got, field) == getattr(given, field)
        assert dict(got.measurements) == dict(given.measurements)


@pytest.mark.parametrize(
    "form", ["list", "feature", "geometry", "odd order", "children"]
)
def test_forms_of_a_file(save, form):
    one = feature([SQUARE])
    texts = {
        "list": json.dumps([one]),
        "feature": json.dumps(one),
        "geometry": json.dumps(one["geometry"]),
        "odd order": f' {{"features" :\n[ {json.dumps(one)} ] , "a": [1]}} ',
        "children": json.dumps(feature([], childObjects=[one])),
    }
    (shape,) = geojson.read(save(text=texts[form]))
    assert shape.box.shape == (20, 20)


def test_points_and_lines_are_counted_in_one_sentence(save):
    found = geojson.read(
        save(
            feature([3, 4], "Point"),
            feature([[3, 4], [4, 5]], "MultiPoint"),
            feature([[3, 4], [4, 5]], "LineString"),
            feature([SQUARE]),
            {"type": "Feature", "geometry": None, "properties": None},
        )
    )
    assert len(found) == 1
    (remark,) = found.remarks
    assert remark.endswith("1 lines, 1 objects without outline, 2 points")


def test_an_outline_that_crosses_itself_is_mended_and_said(save):
    found = geojson.read(save(feature([SQUARE]), feature([BOW_TIE])))
    assert len(found) == 2
    assert area(found) == pytest.approx(400 + 50)
    assert found.remarks == ("mended, outline crosses itself: 1 object",)


def test_an_outline_that_only_touches_itself_needs_no_remark(save):
    """A hole cut in along a seam, as programs without holes have it."""
    seam = [[0, 0], [9, 0], [9, 9], [0, 9], [0, 3], [3, 3], [3, 6], [6, 6], [6, 3],
            [3, 3], [0, 3], [0, 0]]  # fmt: skip
    found = geojson.read(save(feature([seam])))
    assert area(found) == pytest.approx(81 - 9)
    assert len(found.shapes[0].polygons[0].holes) == 1
    assert found.remarks == ()


def test_what_lies_outside_the_slide_is_cut_off_and_said(save):
    outside = [[[x + 500, y] for x, y in SQUARE]]
    found = geojson.read(
        save(feature([SQUARE]), feature(outside), feature([BOW_TIE])),
        extent_px0=(30, 100),
    )
    assert area(found) == pytest.approx(200 + 50)
    assert "cut at the edge of the slide: 1 object" in found.remarks
    assert "skipped, outside the slide: 1 object" in found.remarks


@pytest.mark.parametrize(
    "ring", [[[0, 0], [5, 5], [9, 9], [0, 0]], [[0, 0], [5, 5], [0, 0], [5, 5]]]
)
def test_an_outline_without_area_is_skipped_and_said(save, ring):
    found = geojson.read(save(feature([ring])))
    assert len(found) == 0
    assert found.remarks == ("skipped, without any area: 1 object",)


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (feature([[[0, 0], [float("nan"), 1], [1, 1], [0, 0]]]), "finite numbers"),
        (feature([[[0, 0], [1e300, 1], [1, 1], [0, 0]]]), "finite numbers"),
        (feature([[[0, 0], [1], [1, 1], [0, 0]]]), r"no list of \[x, y\]"),
        (feature([[["0", "0"], ["1", "1"], ["0", "1"]]]), r"no list of \[x, y\]"),
        (feature([[[0, 0], [1, 1], [0, 0]]]), "2 points"),
        (feature("abc"), r"no list of \[x, y\]"),
        (feature([SQUARE], "Circle"), "unknown type 'Circle'"),
        (feature([SQUARE], classification={"name": "x" * 10_000}), "10,000 characters"),
        (feature([SQUARE], classification={"name": "../../etc/passwd"}), "is a path"),
        (feature([SQUARE], classification={"name": "C:\\Windows\\x"}), "is a path"),
        (feature([SQUARE], classification={"name": "/root"}), "is a path"),
        (feature([SQUARE], classification={"name": "a\0b"}), "control characters"),
        (feature([SQUARE], name=7), "expected a text"),
        (feature([SQUARE], measurements=7), "measurements"),
        ("text", "no feature"),
    ],
)
def test_an_odd_object_is_one_sentence_with_its_number(save, odd, words):
    with pytest.raises(AnnotationError, match=words) as error:
        geojson.read(save(feature([SQUARE]), odd))
    assert "object 2 of Präparat é.geojson" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 250


@pytest.mark.parametrize("name", ["CD3/CD8", "T: positive", "Tumour (1.5)", "x~y"])
def test_names_that_are_no_paths(save, name):
    (shape,) = geojson.read(save(feature([SQUARE], classification={"name": name})))
    assert shape.class_name == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        '{"type": "FeatureCollection", "features": [{"type": "Fea',
        '{"features": []} {"features": []}',
        "[" * 100_000,
        '{"features": [1' + "0" * 9999 + "]}",
    ],
)
def test_a_damaged_file_is_one_sentence(save, text):
    with pytest.raises(AnnotationError, match=r"Präparat é\.geojson"):
        geojson.read(save(text=text or " "))


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_bytes(b"\x1f\x8b\x08\x00\xff\xfe")
    with pytest.raises(AnnotationError, match="no text in UTF-8"):
        geojson.read(path)


def test_a_file_larger_than_the_limit(save, monkeypatch):
    path = save(feature([SQUARE]))
    monkeypatch.setattr(_text, "LARGEST_FILE_BYTES", 100)
    with pytest.raises(AnnotationError, match="are read up to"):
        geojson.read(path)


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(AnnotationError, match="cannot be read"):
        geojson.read(tmp_path / "no.geojson")
