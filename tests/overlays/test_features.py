"""Features of a slide's tissue: what is stored, where, and what is gone on with."""

import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import ModelError, StoreError
from napari_histossl.models import create_model, examine_weights, load_model, model_spec
from napari_histossl.overlays import run, unreadable_tiles
from napari_histossl.panels import AttentionChoice, SlideFacts
from napari_histossl.panels.features import resolve_features, summarise_features
from napari_histossl.slide import ArraySlide, virtual_levels
from napari_histossl.store import EmbeddingStore

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def make_features(small_slide, tiny_weights, tmp_path):
    """Plan features of a slide; options are those of `AttentionChoice` and of facts."""

    def make(slide=small_slide, is_tissue=None, downsample=1.0, **options):
        options = {"workspace": tmp_path, "batch": 4, **options}
        facts = SlideFacts(
            slide.source,
            virtual_levels(slide),
            slide.mpp_yx,
            is_tissue,
            downsample,
            examine_weights(options.get("weights") or tiny_weights),
        )
        return resolve_features(AttentionChoice(**options), facts)

    return make


def read(plan):
    with EmbeddingStore.open(plan.out) as store:
        return store.read()


def test_every_patch_is_what_the_model_says(small_slide, picture, make_features):
    plan = make_features()
    records = list(run(small_slide.source, plan))
    assert records[-1].done == records[-1].total == 35
    found = read(plan)
    model, _ = load_model(plan.weights)
    padded = np.pad(picture, ((0, 10), (0, 22), (0, 0)), constant_values=255)
    for (y, x), feature in zip(found.positions_px0, found.features, strict=True):
        tile = torch.from_numpy(padded[y : y + 32, x : x + 32].copy())
        with torch.no_grad():
            expected = model((tile.permute(2, 0, 1)[None] / 255 - 0.5) / 0.5)
        np.testing.assert_allclose(feature, expected[0], rtol=1e-4, atol=1e-5)
    assert found.positions_px0.tolist() == sorted(found.positions_px0.tolist())
    header = found.header
    assert header.slide_fingerprint == small_slide.source.fingerprint
    assert header.weights_sha256 == plan.weights_sha256
    assert (header.patch_px0, header.mpp_yx) == (32, (0.5, 0.5))
    assert header.slide_shape == (150, 202)
    told = header.provenance["parameters"]
    assert told["kind"] == "features"
    assert told["mpp_yx"] == [0.5, 0.5]


def test_positions_count_in_level_0(small_slide, make_features):
    plan = make_features(mpp=0.25)  # the model wants 0.5: every second pixel
    list(run(small_slide.source, plan))
    found = read(plan)
    assert found.header.patch_px0 == 64
    assert found.header.mpp_yx == (0.25, 0.25)
    assert found.positions_px0[:4].tolist() == [[0, 0], [0, 64], [0, 128], [0, 192]]


def test_tissue_alone(small_slide, make_features):
    tissue = np.zeros((15, 20), bool)
    tissue[:4, :4] = True
    plan = make_features(is_tissue=tissue, downsample=10.0, min_tissue=0.5)
    list(run(small_slide.source, plan))
    assert read(plan).positions_px0.tolist() == [[0, 0]]


def test_a_residual_network_gives_features_too(small_slide, make_features, tmp_path):
    from napari_histossl.models import save_weights

    torch.manual_seed(0)
    config = {"depth": 18, "width": 4}
    spec = replace(model_spec("resnet", **config), tile_px=64, mpp=0.5)
    save_weights(create_model("resnet", **config), spec, tmp_path / "r.safetensors")
    plan = make_features(weights=tmp_path / "r.safetensors")
    assert "32 numbers a patch" in summarise_features(plan)
    list(run(small_slide.source, plan))
    assert read(plan).features.shape == (3 * 4, 32)


def test_nothing_is_computed_twice(small_slide, make_features):
    plan = make_features()
    begun = run(small_slide.source, plan)
    for record in begun:
        if record.done >= 12:
            break
    begun.close()
    first = read(plan)
    assert 12 <= len(first) < 35
    records = list(run(small_slide.source, plan))
    assert records[0].done == len(first)
    again = list(run(small_slide.source, plan))
    assert again[0].done == 35
    assert len(read(plan)) == 35


def test_what_was_made_of_something_else(small_slide, make_features, tiny_weights):
    list(run(small_slide.source, make_features()))
    tissue = np.zeros((15, 20), bool)
    tissue[:4, :4] = True
    other = make_features(is_tissue=tissue, downsample=10.0, min_tissue=0.5)
    with pytest.raises(StoreError, match="begun for 35 other patches than the 1"):
        list(run(small_slide.source, other))
    with pytest.raises(StoreError, match="was made with another"):
        list(run(small_slide.source, make_features(mpp=0.25)))
    anew = replace(other, overwrite=True, run_id="a")
    list(run(small_slide.source, anew))
    assert len(read(anew)) == 1
    assert next(iter(run(small_slide.source, anew))).done == 1  # its own is kept


def test_weights_that_give_nothing(small_slide, make_features, tmp_path):
    from napari_histossl.models import save_weights

    config = {"depth": 18, "width": 4}
    model = create_model("resnet", **config)
    model.bn1.weight.data.fill_(3e38)
    spec = replace(model_spec("resnet", **config), tile_px=64, mpp=0.5)
    save_weights(model, spec, tmp_path / "r.safetensors")
    plan = make_features(weights=tmp_path / "r.safetensors")
    with pytest.raises(ModelError, match="not finite"):
        list(run(small_slide.source, plan))


def test_a_patch_that_cannot_be_read(tmp_path, make_features, tiny_tiff):
    from napari_histossl.slide import open_slide

    data = bytearray(tiny_tiff.read_bytes())
    import tifffile

    with tifffile.TiffFile(tiny_tiff) as file:
        offset = file.pages[0].dataoffsets[9]
    data[offset : offset + 60] = b"\0" * 60
    (tmp_path / "hurt.tif").write_bytes(data)
    with open_slide(tmp_path / "hurt.tif") as slide:
        plan = make_features(slide, batch=8)
        records = list(run(slide.source, plan))
    assert "could not be read" in records[-1].message
    lost = unreadable_tiles(plan.out, "features")
    assert 1 <= len(lost) <= 36
    assert len(read(plan)) == len(plan.tiles_ij) - len(lost)


def test_a_slide_smaller_than_a_patch(make_features):
    small = ArraySlide(
        np.full((20, 11, 3), 120, np.uint8), mpp_yx=(0.5, 0.5), name="tiny"
    )
    plan = make_features(small)
    list(run(small.source, plan))
    found = read(plan)
    assert found.positions_px0.tolist() == [[0, 0]]
    assert np.isfinite(found.features).all()


_RUN = """
import sys, pickle, time
from napari_histossl.overlays import run
import torch
torch.set_num_threads(1)
source, plan = pickle.load(open(sys.argv[1], "rb"))
for number, record in enumerate(run(source, plan)):
    print(record.done, flush=True)
    if number == 7:  # while the next batches are computed beside
        time.sleep(600)
"""


def test_a_kill_costs_what_was_in_flight(tmp_path, make_features, tiny_tiff):
    import pickle

    from napari_histossl.slide import open_slide

    with open_slide(tiny_tiff) as slide:
        plan, source = make_features(slide), slide.source
        whole = replace(plan, out=str(tmp_path / "whole.zarr"))
        list(run(source, whole))
        (tmp_path / "job").write_bytes(pickle.dumps((source, plan)))
        worker = subprocess.Popen(
            [sys.executable, "-c", _RUN, str(tmp_path / "job")],
            stdout=subprocess.PIPE,
            text=True,
        )
        said = [int(worker.stdout.readline()) for _ in range(8)]
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        records = list(run(source, plan))
    assert said[-1] <= records[0].done < len(plan.tiles_ij)
    one, other = read(plan), read(whole)
    np.testing.assert_array_equal(one.positions_px0, other.positions_px0)
    np.testing.assert_allclose(one.features, other.features, rtol=1e-5, atol=1e-6)
