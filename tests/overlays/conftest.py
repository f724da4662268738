"""A tiny model in a file, and plans for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_histossl.classes import ClassInfo, ClassTable
from napari_histossl.models import examine_weights, model_spec
from napari_histossl.panels import AttentionChoice, SlideFacts, resolve
from napari_histossl.slide import ArraySlide, virtual_levels

CONFIG = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}


@pytest.fixture(autouse=True)
def one_core(monkeypatch):
    """Sums depend on the number of threads: one, here and in every other process."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory) -> Path:
    """Weights of a model with 3 heads on 32 px tiles of 8 px tokens, 0.5 um/px."""
    torch = pytest.importorskip("torch")
    from dataclasses import replace

    from napari_histossl.models import create_model, save_weights

    torch.manual_seed(0)
    spec = replace(model_spec("vit", **CONFIG), tile_px=32, mpp=0.5)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    model = create_model("vit", **CONFIG)
    for parameter in model.parameters():  # sharper attention than at the start
        parameter.data.mul_(4)
    save_weights(model, spec, path)
    return path


@pytest.fixture
def picture() -> np.ndarray:
    """Drawn noise of 150 x 202 px: neither side is a multiple of a tile or a token."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(60, 250, (38, 51, 3), dtype=np.uint8)
    return coarse.repeat(4, 0).repeat(4, 1)[:150, :202]


@pytest.fixture
def small_slide(picture) -> ArraySlide:
    return ArraySlide(picture, mpp_yx=(0.5, 0.5), name="small")


@pytest.fixture
def make_plan(small_slide, tiny_weights, tmp_path):
    """Plan a run over a slide; options are those of `AttentionChoice` and of facts."""

    def make(slide=small_slide, is_tissue=None, tissue_downsample=1.0, **options):
        options = {"workspace": tmp_path, "name": "tiny", "batch": 4, **options}
        facts = SlideFacts(
            slide.source,
            virtual_levels(slide),
            slide.mpp_yx,
            is_tissue,
            tissue_downsample,
            examine_weights(options.pop("record", tiny_weights)),
        )
        return resolve(AttentionChoice(**options), facts)

    return make


CLASSES = ClassTable(
    [
        ClassInfo(1, "tumour", (205, 51, 51), "T"),
        ClassInfo(2, "stroma", (46, 139, 87), "S"),
        ClassInfo(3, "lymphocytes", (65, 105, 225), "I"),
    ]
)


def save_class_model(name, path, tile_px=32, classes=CLASSES, seed=0, **config):
    """Write weights of a classifier or a segmenter that sees differences."""
    torch = pytest.importorskip("torch")
    from dataclasses import replace

    from napari_histossl.models import create_model, save_weights

    torch.manual_seed(seed)
    config = {"n_classes": len(classes), **config}
    model = create_model(name, **config).eval()
    spec = replace(
        model_spec(name, **config), tile_px=tile_px, mpp=0.5, classes=classes
    )
    save_weights(model, spec, path)
    return path


@pytest.fixture(scope="session")
def tiny_classifier(tmp_path_factory) -> Path:
    """Weights of a classifier of 3 classes on 32 px tiles, 0.5 um/px."""
    path = tmp_path_factory.mktemp("weights") / "classifier.safetensors"
    return save_class_model("resnet38", path, width=1 / 16)


@pytest.fixture(scope="session")
def tiny_segmenter(tmp_path_factory) -> Path:
    """Weights of a segmenter of the same classes on 32 px windows."""
    path = tmp_path_factory.mktemp("weights") / "segmenter.safetensors"
    return save_class_model("deeplabv3plus", path, backbone="small")
