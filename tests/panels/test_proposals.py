"""What can be taken from: classes by name, what is left out, what makes no sense."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.classes import ClassInfo, ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.panels.mask_export import picture_part
from napari_histossl.panels.proposals import (
    ProposalChoice,
    has_heads,
    list_proposals,
    open_proposal,
    title,
)

SHAPE = (300, 400)
WHOLE = Box(0, 0, *SHAPE)


def table(*names):
    return ClassTable(
        [ClassInfo(place, name, (9, 9, 9)) for place, name in enumerate(names, 1)]
    )


@pytest.fixture
def folder(tmp_path):
    """Results of a slide with two masks: one to correct, one that proposes."""
    for name, classes in (
        ("mine", table("stroma", "Tumour")),
        ("model", table("tumour", "necrosis")),
    ):
        path = tmp_path / "masks" / f"{name}.ome.zarr"
        path.parent.mkdir(exist_ok=True)
        MaskStore.create(path, SHAPE, 0.5, classes).close()
    with MaskStore.open(path) as model:
        model.paint(Stroke([(100, 100)], 20, 1))
        model.paint(Stroke([(200, 200)], 20, 2))
    return tmp_path


def test_classes_are_those_of_the_same_name_and_others_are_told(folder):
    mine, model = (folder / "masks" / f"{n}.ome.zarr" for n in ("mine", "model"))
    assert list_proposals(folder, mine) == [model]
    assert title(model) == "mask model"
    assert not has_heads(model)
    with MaskStore.open(mine) as mask:
        proposed = open_proposal(ProposalChoice(model), mask)
        labels = proposed.source.read(WHOLE)
        assert proposed.left_out == ("necrosis",)
    assert (labels[100, 100], labels[200, 200], labels[0, 0]) == (2, 0, 0)
    assert proposed.facts["overlay"] == "model.ome.zarr"
    np.testing.assert_array_equal(np.unique(labels), [0, 2])


def test_a_proposal_without_a_common_class_is_refused(folder):
    other = folder / "masks" / "other.ome.zarr"
    with MaskStore.create(other, SHAPE, 0.5, table("glass")) as mask:
        choice = ProposalChoice(folder / "masks" / "model.ome.zarr")
        with pytest.raises(PlanError, match="none of these classes"):
            open_proposal(choice, mask)


def test_a_picture_of_the_view_has_a_bounded_size():
    assert picture_part(Box(3, 5, 900, 4000), 4) == (Box(3, 5, 900, 4000), 0)
    box, level = picture_part(Box(10, 20, 9000, 16_001), 6)
    assert level == 2
    assert (box.y, box.x, box.x1) == (2, 5, 4006)
    assert picture_part(Box(0, 0, 9000, 9000), 1)[1] == 0
