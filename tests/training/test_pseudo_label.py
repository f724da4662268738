"""Pseudo-masks as published: folders, palette, resumption; what does not fit."""

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import DataSetError, PlanError
from napari_histossl.models import create_model, model_spec
from napari_histossl.models.recipe import recipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

LAYERS = ("b4_5", "b5_2", "bn7")


@pytest.fixture(scope="module")
def patches(drawn_patches):
    return drawn_patches(6, masks=False)


@pytest.fixture(scope="module")
def classifier():
    torch.manual_seed(0)
    model = create_model("resnet38", n_classes=4, width=1 / 32).eval()
    return model, model_spec("resnet38", n_classes=4, width=1 / 32)


def _write(classifier, patches, folder, **options):
    from napari_histossl.training.pseudo_files import PseudoMasks
    from napari_histossl.training.pseudo_label import write_pseudo_masks

    masks = PseudoMasks(folder)
    rules = recipe(options.pop("variant", "paper"))
    return masks, write_pseudo_masks(*classifier, patches, masks, rules, **options)


def test_three_folders_of_palette_pictures(classifier, patches, tmp_path):
    masks, work = _write(classifier, patches, tmp_path / "out", batch=4)
    assert [(p.done, p.total) for p in work][-1] == (6, 6)
    folders = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert folders == ["PM_b4_5", "PM_b5_2", "PM_bn7", "pseudo_masks.json"]
    for index, name in enumerate(patches.names):
        with Image.open(tmp_path / "out" / "PM_bn7" / name) as picture:
            assert picture.mode == "P"
            values = np.asarray(picture)
        present = set(np.flatnonzero(patches.labels[index]))
        assert set(np.unique(values)) <= present | {patches.exclude_index}
        assert (values[:4] == patches.exclude_index).all()  # the white band
        read = masks.reader(patches, "bn7")(index)
        np.testing.assert_array_equal(read, values)


def test_a_batch_does_not_change_the_masks(classifier, patches, tmp_path):
    for batch in (1, 5):
        list(_write(classifier, patches, tmp_path / str(batch), batch=batch)[1])
    for layer in LAYERS:
        for name in patches.names:
            one, other = (
                (tmp_path / batch / f"PM_{layer}" / name).read_bytes() for batch in "15"
            )
            assert one == other


def test_what_is_there_is_kept(classifier, patches, tmp_path):
    masks, work = _write(classifier, patches, tmp_path, batch=1)
    next(work), next(work), next(work)
    work.close()
    kept = masks.path("bn7", patches.names[1])
    before = kept.stat().st_mtime_ns
    records = list(_write(classifier, patches, tmp_path, batch=1)[1])
    assert records[0].done == 4  # the third was not finished, or was: never the second
    assert kept.stat().st_mtime_ns == before
    assert all(masks.has(name, LAYERS) for name in patches.names)
    with pytest.raises(DataSetError, match="--overwrite"):
        next(_write(classifier, patches, tmp_path, variant="published")[1])
    work = _write(classifier, patches, tmp_path, variant="published", overwrite=True)[1]
    assert list(work)[-1].done == 6


def test_what_does_not_fit(classifier, patches, drawn_patches, tmp_path):
    model, _ = classifier
    other = model_spec("resnet38", n_classes=5, width=1 / 32)
    with pytest.raises(PlanError, match="with 5 classes"):
        next(_write((model, other), patches, tmp_path)[1])
    masks, work = _write(classifier, patches, tmp_path / "x")
    list(work)
    with pytest.raises(DataSetError, match=r"2 of 8 patches, the first patch6.png"):
        masks.reader(drawn_patches(8), "bn7")
    Image.fromarray(np.full((32, 32), 9, np.uint8)).save(
        masks.path("bn7", "patch0.png")
    )
    with pytest.raises(DataSetError, match="the value 9, which is no class"):
        masks.reader(patches, "bn7")(0)


def test_the_segmenter_learns_from_three_layers(classifier, patches, tmp_path):
    from napari_histossl.training.patch_recipe import SegmenterRecipe
    from napari_histossl.training.segmenter import SegmenterTrainer

    masks, work = _write(classifier, patches, tmp_path)
    list(work)
    small = SegmenterRecipe(backbone="small", batch=3, epochs=1)
    trainer = SegmenterTrainer(patches, patches, small, pseudo_masks=masks)
    assert trainer.batches.at(0).shape == (3, 32, 32, 6)
    assert np.isfinite(trainer.loss().item())
