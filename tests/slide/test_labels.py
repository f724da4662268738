"""Labels on slides: sampled, never mixed; PANDA's files and table."""

import numpy as np
import pytest

from napari_histossl.classes import KAROLINSKA_CLASSES, RADBOUD_CLASSES
from napari_histossl.errors import SlideOpenError
from napari_histossl.geometry import Box
from napari_histossl.slide.labels import RedLabels, read_labels
from napari_histossl.slide.panda import find_case, is_panda, read_cases
from napari_histossl.store import Pyramid

MASK = "train_label_masks/0005f7aa_mask.tiff"


def test_red_channel_is_read_as_it_is(panda, panda_pictures):
    with RedLabels(panda / MASK) as labels:
        assert [level.downsample for level in labels.levels] == [1, 4, 16]
        picture = panda_pictures["0005f7aa"]
        whole = labels.read(labels.levels[0].box, 0)
        assert whole.shape == (1200, 1600)
        assert ((whole > 0) == (picture[..., 1] < 215)).all()
        hanging = labels.read(Box(-10, 1590, 30, 30), 0)
        assert not hanging[:10].any()
        assert not hanging[:, 10:].any()
        assert (hanging[10:, :10] == whole[:20, 1590:]).all()


@pytest.mark.parametrize("downsample", [0.5, 1.0, 2.0, 3.0, 4.0, 7.3, 16.0, 64.0])
def test_labels_are_never_mixed(panda, downsample):
    with RedLabels(panda / MASK) as labels:
        height, width = (int(n / downsample) for n in (1200, 1600))
        found = read_labels(labels, Box(0, 0, height, width), downsample)
        native = [level for level in labels.levels if level.downsample <= downsample]
        own = labels.levels.index(native[-1]) if native else 0
        source = labels.read(labels.levels[own].box, own)
        ratio = downsample / labels.levels[own].downsample
        rows, columns = (
            np.minimum(((np.arange(n) + 0.5) * ratio).astype(int), m - 1)
            for n, m in zip((height, width), source.shape, strict=True)
        )
        assert (found == source[np.ix_(rows, columns)]).all()


def test_a_box_over_the_edge_is_filled_with_nothing(panda):
    with RedLabels(panda / MASK) as labels:
        inside = read_labels(labels, Box(100, 100, 50, 50), 2.0)
        hanging = read_labels(labels, Box(-20, 100, 170, 50), 2.0)
        assert not hanging[:20].any()
        assert (hanging[120:] == inside).all()
        assert not read_labels(labels, Box(9000, 0, 8, 8), 2.0).any()


def test_labels_of_our_own_are_read_the_same_way(tmp_path):
    values = np.arange(48, dtype=np.uint8).reshape(6, 8)
    with Pyramid.create(
        tmp_path / "a.ome.zarr", shape=(6, 8), dtype=np.uint8, is_label=True
    ) as pyramid:
        pyramid.write(Box(0, 0, 6, 8), values)
        assert (read_labels(pyramid, Box(0, 0, 6, 8), 1.0) == values).all()
        half = read_labels(pyramid, Box(0, 0, 3, 4), 2.0)
        assert (half == values[1::2, 1::2]).all()
        assert (read_labels(pyramid, Box(2, 2, 2, 2), 0.5) == values[1, 1]).all()


def test_cases_of_the_table(panda):
    assert is_panda(panda)
    assert not is_panda(panda / "train_images")
    first, second, third = read_cases(panda)
    assert first.classes == KAROLINSKA_CLASSES
    assert second.classes == RADBOUD_CLASSES
    assert second.grade == "ISUP 4, Gleason 4+4"
    assert second.mask == panda / MASK
    assert third.mask is None
    assert find_case(panda / MASK) == second
    assert find_case(panda / "train_label_masks" / "other_mask.tiff") is None
    assert find_case(panda / "train.csv") is None


def test_tables_that_cannot_be_read(panda):
    (panda / "train.csv").write_text("image_id,isup_grade\na,1\n")
    with pytest.raises(SlideOpenError, match="lacks the column data_provider"):
        read_cases(panda)
    (panda / "train.csv").unlink()
    with pytest.raises(SlideOpenError, match=r"train\.csv cannot be read"):
        read_cases(panda)
