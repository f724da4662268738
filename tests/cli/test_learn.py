"""`napari-histossl learn`: what it prints, writes, and refuses."""

from dataclasses import replace
from functools import partial

import pytest

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.panels.learn_report import list_learned
from napari_histossl.store import paths

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytestmark = pytest.mark.torch

CONFIG = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 2}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from napari_histossl.models import create_model, model_spec, save_weights

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    spec = replace(model_spec("vit", **CONFIG), tile_px=32, mpp=0.5)
    save_weights(create_model("vit", **CONFIG), spec, path)
    return path


@pytest.fixture
def learn(shell, tiny_tiff, weights, tmp_path):
    """Run the command on a slide."""
    given = "learn", tiny_tiff, "--weights", weights, "--workspace", tmp_path
    return partial(shell, *given)


@pytest.fixture
def folder(tiny_tiff, tmp_path):
    return paths.results_folder(tiny_tiff, tmp_path)


@pytest.fixture
def mask(folder):
    path = paths.mask_path(folder, "nests")
    path.parent.mkdir(parents=True)
    with MaskStore.create(path, (700, 900), 0.5) as store:
        for column in (300, 440, 580):
            store.paint(Stroke([(300, column)], 24, 1))
            store.paint(Stroke([(400, column)], 24, 2))
    return path


def test_a_plan_then_a_head_and_a_proposal(learn, mask, folder):
    planned = learn("--mask", "nests", "--plan")
    assert planned.code == 0
    assert "nests" in planned.out
    assert list_learned(folder) == []
    done = learn("--mask", "nests")
    assert done.code == 0, done.err
    assert "tumour" in done.out
    assert "Dice – -> " in done.out
    assert "before is not known" in done.out
    (out,) = list_learned(folder)
    assert f"written   {out}" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mask", "nets"], "there is no mask 'nets' on this slide"),
        (["--mask", "nests", "--model-weight", "2"], "count 0 to 1"),
    ],
)
def test_what_cannot_be_is_one_sentence(learn, mask, arguments, words):
    refused = learn(*arguments)
    assert refused.code == 1
    assert refused.err.startswith("error: ")
    assert refused.err.count("\n") == 1
    assert words in refused.err


def test_nothing_corrected_yet(learn, folder):
    path = paths.mask_path(folder, "empty")
    path.parent.mkdir(parents=True)
    MaskStore.create(path, (700, 900), 0.5).close()
    refused = learn("--mask", "empty")
    assert refused.code == 1
    assert "paint where it is wrong" in refused.err
