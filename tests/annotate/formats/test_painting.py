"""Shapes in the pixels of a mask: exact, in order, undone like any stroke."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from masks_in_memory import ArrayMask

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate._polygon_raster import rasterise_rings
from napari_histossl.annotate.formats import asap, geojson, painting
from napari_histossl.annotate.formats.shapes import Polygon, Shape, Shapes
from napari_histossl.classes import DEFAULT_CLASSES, ClassTable, Origin
from napari_histossl.errors import AnnotationError, ClassTableError
from napari_histossl.geometry import Box


class PaintedArray:
    """Takes what is painted, as a mask would."""

    def __init__(self, shape, downsample=1.0):
        self.shape, self.downsample = shape, downsample
        self.array = np.zeros(shape, np.uint8)

    def paint_region(self, box, values, *, where, **facts):
        self.array[box.slices][where] = values[where]


def painted(shapes, shape, downsample=1.0, **options):
    mask = PaintedArray(shape, downsample)
    assignment = painting.assign(shapes, DEFAULT_CLASSES, **options)
    list(painting.paint(mask, shapes, assignment))
    return mask.array


def square(y, x, size, class_name="tumour"):
    corners = [(y, x), (y, x + size), (y + size, x + size), (y + size, x)]
    return Shape((Polygon(np.array(corners, float)),), class_name)


@settings(max_examples=100, deadline=None)
@given(
    array=arrays(
        np.uint8,
        st.tuples(st.integers(1, 14), st.integers(1, 14)),
        elements=st.sampled_from([0, 0, 1, 1, 2]),
    ),
    tile_px=st.sampled_from([3, 5, 4096]),
    downsample=st.sampled_from([1.0, 4.0, 2.5, 1 / 3]),
    form=st.sampled_from([geojson, asap]),
)
def test_a_mask_written_and_read_again_is_the_mask(
    array, tile_px, downsample, form, tmp_path_factory
):
    path = tmp_path_factory.mktemp("painting") / "mask"
    list(form.write(ArrayMask(array, downsample), path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(painting, "_TILE_PX", tile_px)
        again = painted(form.read(path), array.shape, downsample)
    np.testing.assert_array_equal(again, array)


@settings(max_examples=100, deadline=None)
@given(
    outlines=st.lists(
        arrays(np.float64, (5, 2), elements=st.floats(-5, 25, width=16)), max_size=6
    ),
    tile_px=st.sampled_from([7, 4096]),
)
def test_a_pixel_is_painted_if_its_centre_lies_inside(outlines, tile_px):
    names = ["tumour", "stroma", "necrosis"]
    shapes = [
        Shape((Polygon(ring),), names[number % 3])
        for number, ring in enumerate(outlines)
        if shapely.Polygon(ring).is_valid
    ]
    expected = np.zeros((20, 20), np.uint8)
    y, x = np.mgrid[:20, :20] + 0.5
    for shape in shapes:
        outline = shapely.Polygon(shape.polygons[0].shell)
        inside = shapely.contains_xy(outline, y, x)
        expected[inside] = DEFAULT_CLASSES.named(shape.class_name).index
    unsure = np.zeros((20, 20), bool)  # centres on an outline may fall on either side
    for shape in shapes:
        line = shapely.Polygon(shape.polygons[0].shell).exterior
        unsure |= shapely.distance(line, shapely.points(y, x)) < 1e-9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(painting, "_TILE_PX", tile_px)
        got = painted(Shapes(tuple(shapes)), (20, 20))
    np.testing.assert_array_equal(got[~unsure], expected[~unsure])


@settings(max_examples=100, deadline=None)
@given(
    ring=arrays(np.float64, (7, 2), elements=st.integers(-8, 88).map(lambda n: n / 4))
)
def test_a_shape_and_a_polygon_that_is_drawn_cover_the_same_pixels(ring):
    """Drawn polygons count from the centre of the first pixel, shapes from its edge."""
    box = Box(0, 0, 20, 20)
    drawn = rasterise_rings(((ring - 0.5).astype(np.float32),), box)
    shapes = Shapes((Shape((Polygon(ring),), "tumour"),))
    np.testing.assert_array_equal(painted(shapes, box.shape), drawn)


def test_later_shapes_lie_on_top_and_what_takes_away_on_top_of_all():
    shapes = Shapes(
        (
            square(0, 0, 4, "exclusion"),
            square(0, 0, 9),
            square(3, 3, 9, "Stroma"),
            square(3, 3, 9, "unheard of"),
        )
    )
    got = painted(shapes, (12, 12), meaning={"Exclusion": "unlabelled"}, unknown="skip")
    expected = np.zeros((12, 12), np.uint8)
    expected[:9, :9] = 1
    expected[3:, 3:] = 2
    expected[:4, :4] = 0
    np.testing.assert_array_equal(got, expected)


def test_two_parts_of_one_shape_that_overlap_are_both_painted():
    parts = (*square(0, 0, 5).polygons, *square(2, 2, 5).polygons)
    got = painted(Shapes((Shape(parts, "tumour"),)), (9, 9))
    assert np.count_nonzero(got) == 25 + 25 - 9


def test_names_of_classes():
    shapes = Shapes(
        (square(0, 0, 2, "Tumor"), square(0, 0, 2, ""), square(0, 0, 2, "X"))
    )
    assignment = painting.assign(
        shapes, DEFAULT_CLASSES, meaning={"": "stroma"}, unknown="skip"
    )
    assert assignment.indices.tolist() == [1, 2, -1]
    assert assignment.remarks == ("skipped, class unknown: 1 shapes ('X')",)
    with pytest.raises(AnnotationError, match=r"'X'.*make a new mask"):
        painting.assign(shapes, DEFAULT_CLASSES, meaning={"": "stroma"})
    with pytest.raises(AnnotationError, match="no class"):
        painting.assign(shapes, DEFAULT_CLASSES, meaning={"X": "glass"})
    with pytest.raises(ClassTableError, match="no class is named"):
        painting.assign(shapes, DEFAULT_CLASSES, meaning={"X": "nonsense"})


def test_classes_of_a_file_come_after_those_of_a_table():
    shapes = Shapes(
        (
            Shape(square(0, 0, 2).polygons, "Tumor", (9, 9, 9)),
            Shape(square(0, 0, 2).polygons, "CD3/CD8", None),
            Shape(square(0, 0, 2).polygons, "CD3/CD8", (1, 2, 3)),
            square(0, 0, 2, ""),
        )
    )
    table = painting.extended(DEFAULT_CLASSES, shapes)
    assert len(table) == len(DEFAULT_CLASSES) + 1
    assert table.named("cd3/cd8").index == 6
    assert table[6].colour == (1, 2, 3)
    assert isinstance(table, ClassTable)
    many = Shapes(tuple(square(0, 0, 2, f"class {n}") for n in range(300)))
    with pytest.raises(ClassTableError, match=r"at most 255.*more: 300"):
        painting.extended(DEFAULT_CLASSES, many)


@pytest.mark.parametrize("origin", [Origin.HUMAN, Origin.MODEL])
def test_into_a_store_it_is_journalled_and_can_be_undone(tmp_path, monkeypatch, origin):
    monkeypatch.setattr(painting, "_TILE_PX", 1024)
    shapes = Shapes((square(400, 300, 3000), square(1200, 1200, 800, "stroma")))
    with MaskStore.create(
        tmp_path / "a.ome.zarr", (1500, 1800), 0.5, downsample=2.0
    ) as mask:
        assignment = painting.assign(shapes, mask.classes)
        steps = list(painting.paint(mask, shapes, assignment, origin=origin))
        got, origins = (read(mask.levels[0].box) for read in (mask.read, mask.origin))
        expected = np.zeros(mask.shape, np.uint8)
        expected[200:1700, 150:1650] = 1
        expected[600:1000, 600:1000] = 2
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(origins, np.where(expected, origin, 0))
        assert {entry.tool for entry in mask.entries()} == {"import"}
        assert len(list(mask.entries())) == len(steps) == 4
        mask.verify()
        while mask.can_undo:
            mask.undo()
        assert not mask.read(mask.levels[0].box).any()


def test_stopping_in_between_leaves_what_is_painted(monkeypatch):
    monkeypatch.setattr(painting, "_TILE_PX", 10)
    mask = PaintedArray((30, 30))
    shapes = Shapes((square(0, 0, 30),))
    work = painting.paint(mask, shapes, painting.assign(shapes, DEFAULT_CLASSES))
    next(work)
    work.close()
    assert np.count_nonzero(mask.array) == 100


def test_nothing_to_paint():
    assert not painted(Shapes(()), (9, 9)).any()
    assert not painted(Shapes((square(100, 100, 5),)), (9, 9)).any()
