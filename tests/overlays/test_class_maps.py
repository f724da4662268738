"""What a classifier sees on a slide: against the models' functions, tile by tile."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from napari_histossl.errors import PlanError, StoreError  # noqa: E402
from napari_histossl.geometry import Box  # noqa: E402
from napari_histossl.models import examine_weights, load_model  # noqa: E402
from napari_histossl.models.pseudo_masks import (  # noqa: E402
    find_background,
    pseudo_masks,
)
from napari_histossl.models.recipe import PSEUDO_LAYERS, recipe  # noqa: E402
from napari_histossl.overlays import run  # noqa: E402
from napari_histossl.overlays.class_labels import ClassLabels  # noqa: E402
from napari_histossl.panels import SlideFacts  # noqa: E402
from napari_histossl.panels.class_maps import (  # noqa: E402
    ClassMapChoice,
    resolve_class_maps,
    summarise_class_maps,
)
from napari_histossl.slide import ArraySlide, virtual_levels  # noqa: E402
from napari_histossl.store import Pyramid  # noqa: E402
from napari_histossl.store.paths import list_overlays, results_folder  # noqa: E402

TILE = 32


@pytest.fixture
def slide(picture):
    """Drawn noise, white in a corner, over 64 x 96 px: six tiles."""
    picture = picture[:64, :96].copy()
    picture[40:, 50:] = 255
    return ArraySlide(picture, mpp_yx=(0.5, 0.5), name="few")


@pytest.fixture
def make(slide, tiny_classifier, tmp_path):
    def plan(weights=tiny_classifier, **options):
        options = {"workspace": tmp_path, "name": "all", "batch": 2, **options}
        facts = SlideFacts(
            slide.source,
            virtual_levels(slide),
            slide.mpp_yx,
            None,
            1.0,
            examine_weights(weights),
        )
        return resolve_class_maps(ClassMapChoice(**options), facts)

    return plan


def _open(slide, tmp_path, part):
    folder = results_folder(slide.source, tmp_path)
    return Pyramid.open(folder / "overlays" / f"all {part}.ome.zarr")


def _pictures(slide):
    """Yield place and pixels of every tile."""
    for row in range(2):
        for column in range(3):
            box = Box(row * TILE, column * TILE, TILE, TILE)
            yield (row, column), slide.read(box, 0)


def _tensor(pixels):
    return torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]


def test_what_is_written_and_what_it_says(slide, make, tmp_path):
    plan = make(epsilon=0.3, recipe="published")
    assert "3 classes at b4_5, b5_2, bn7, cam" in summarise_class_maps(plan)
    list(run(slide.source, plan))
    folder = results_folder(slide.source, tmp_path)
    names = {path.name.removesuffix(".ome.zarr") for path in list_overlays(folder)}
    layers = {*PSEUDO_LAYERS, "cam", "probability"}
    masks = {f"pseudo-mask {layer}" for layer in PSEUDO_LAYERS}
    assert names == {f"all {part}" for part in layers | masks}
    for part in layers | masks:
        said = _open(slide, tmp_path, part).provenance
        assert said["weights_sha256"] == plan.weights_sha256
        assert said["parameters"]["recipe"] == "published"
        assert said["parameters"]["epsilon"] == 0.3
    mask = _open(slide, tmp_path, "pseudo-mask bn7")
    assert mask.is_label
    assert mask.classes == plan.spec.classes
    maps = _open(slide, tmp_path, "bn7")
    assert maps.channel_names == ("tumour", "stroma", "lymphocytes", "background")
    assert maps.levels[0].shape == (16, 24)
    assert maps.pixel_um_yx == (2.0, 2.0)


@pytest.mark.parametrize("name", ["paper", "published"])
def test_pseudo_masks_are_those_of_training(
    slide, make, tmp_path, tiny_classifier, name
):
    """In every pixel, where nothing is resized and labels are the classifier's own."""
    list(run(slide.source, make(pixel_px=1, epsilon=0.4, recipe=name)))
    model, _ = load_model(tiny_classifier)
    stored = {
        layer: _open(slide, tmp_path, f"pseudo-mask {layer}") for layer in PSEUDO_LAYERS
    }
    said = _open(slide, tmp_path, "probability").read(Box(0, 0, 2, 3))
    seen = set()
    for (row, column), pixels in _pictures(slide):
        images = _tensor(pixels)
        with torch.inference_mode():
            told = model(images).sigmoid()
        np.testing.assert_allclose(said[:, row, column], told[0], atol=1e-3)
        background = torch.from_numpy(find_background(pixels))[None]
        expected = pseudo_masks(
            model, images, told > 0.4, recipe(name), background=background
        )
        for layer, mask in expected.items():
            box = Box(row * TILE, column * TILE, TILE, TILE)
            labels = stored[layer].read(box)
            wanted = (mask[0].numpy() + 1) % 4  # classes from 1, and what is none
            assert (labels == wanted).mean() > 0.99  # maps are stored in half precision
            seen |= set(np.unique(labels))
    assert {0, 1, 2} <= seen


def test_another_epsilon_needs_no_other_run(slide, make, tmp_path):
    list(run(slide.source, make(epsilon=0.2)))
    labels = ClassLabels.open(_open(slide, tmp_path, "bn7").path, epsilon=0.6)
    again = make(epsilon=0.6, name="all", workspace=tmp_path / "other")
    list(run(slide.source, again))
    stored = _open(slide, tmp_path / "other", "pseudo-mask bn7")
    box = stored.levels[0].box
    np.testing.assert_array_equal(labels.read(box), stored.read(box))


def test_goes_on_where_it_was_and_ends_in_the_same(slide, make, tmp_path):
    work = run(slide.source, make())
    for progress in work:
        if progress.done >= 2:
            break
    work.close()
    end = [progress.done for progress in run(slide.source, make())]
    assert end[0] >= 2
    whole = make(workspace=tmp_path / "whole")
    list(run(slide.source, whole))
    for part in ("bn7", "cam", "probability", "pseudo-mask b4_5"):
        one, two = (
            _open(slide, where, part) for where in (tmp_path, tmp_path / "whole")
        )
        box = one.levels[0].box
        np.testing.assert_array_equal(one.read(box), two.read(box))


def test_labels_that_were_deleted_are_made_again(slide, make, tmp_path):
    import shutil

    list(run(slide.source, make()))
    mask = _open(slide, tmp_path, "pseudo-mask bn7")
    before = mask.read(mask.levels[0].box)
    assert before.any()
    shutil.rmtree(mask.path)
    list(run(slide.source, make()))
    mask = _open(slide, tmp_path, "pseudo-mask bn7")
    np.testing.assert_array_equal(mask.read(mask.levels[0].box), before)


def test_other_choices_under_the_same_name_are_refused(slide, make):
    list(run(slide.source, make()))
    with pytest.raises(StoreError, match="another epsilon"):
        list(run(slide.source, make(epsilon=0.5)))
    list(run(slide.source, make(epsilon=0.5, overwrite=True)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epsilon": 1.0}, "from 0 to below 1; got 1"),
        ({"pixel_px": 5}, "divide a window of 32 px; got 5 px"),
        ({"recipe": "mine"}, "paper or published; got 'mine'"),
    ],
)
def test_choices_that_cannot_be(make, options, said):
    with pytest.raises(PlanError, match=said):
        make(**options)


def test_weights_of_another_kind(make, tiny_weights):
    with pytest.raises(PlanError, match="vit, which is no classifier; choose weights"):
        make(weights=tiny_weights)


def test_weights_of_another_architecture_under_its_name(make, tiny_weights, tmp_path):
    from napari_histossl.models import model_spec, save_weights

    model, _ = load_model(tiny_weights)
    path = tmp_path / "wrong.safetensors"
    wrong = replace(model_spec("resnet38"), tile_px=32, mpp=0.5)
    save_weights(model, wrong, path)
    with pytest.raises(ValueError, match="does not fit the model resnet38"):
        list(run(make.__closure__[0].cell_contents.source, make(weights=path)))
