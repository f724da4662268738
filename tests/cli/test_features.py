"""`napari-histossl features`, `embeddings` and `hierarchy`, as a person types them."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CONFIG = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from napari_histossl.models import create_model, model_spec, save_weights

    folder = tmp_path_factory.mktemp("weights")
    for name, seed in (("tiny", 0), ("other", 1)):
        torch.manual_seed(seed)
        spec = replace(model_spec("vit", **CONFIG), tile_px=32, mpp=0.5)
        model = create_model("vit", **CONFIG)
        save_weights(model, spec, folder / f"{name}.safetensors")
    options = {"img_size": 64, "input_embed_dim": 24, "output_embed_dim": 16,
               "depth": 2, "num_heads": 2}  # fmt: skip
    spec = replace(model_spec("hipt_region_vit", **options), tile_px=4)
    region = create_model("hipt_region_vit", **options)
    save_weights(region, spec, folder / "region.safetensors")
    return folder


@pytest.fixture
def computed(tiny_tiff, weights, shell):
    """A slide of 700 x 900 px with embeddings of its tissue."""
    done = shell("features", tiny_tiff, "--weights", weights / "tiny.safetensors")
    assert done.code == 0, done.err
    return tiny_tiff


def refused(finished, words):
    assert finished.code == 1
    assert "Traceback" not in finished.err
    assert words in finished.err.splitlines()[-1]
    assert finished.err.splitlines()[-1].startswith("error: ")


def test_features_of_a_slide_twice(computed, weights, shell):
    from napari_histossl.store import EmbeddingStore

    path = computed.parent / "tiny.tif.histossl" / "embeddings" / "tiny.zarr"
    with EmbeddingStore.open(path) as store:
        assert store.done.all()
        assert store.dimension == 24
        assert 50 < len(store.positions_px0) < 22 * 29  # the tissue alone
    again = shell("features", computed, "--weights", weights / "tiny.safetensors")
    assert again.code == 0, again.err
    for words in ("24 numbers a patch", "level 0 at 0.5 x 0.5", "written"):
        assert words in again.out


def test_a_plan_alone_writes_nothing(tiny_tiff, weights, shell):
    shown = shell(
        "features", tiny_tiff, "--weights", weights / "tiny.safetensors", "--plan"
    )
    assert shown.code == 0, shown.err
    assert not (tiny_tiff.parent / "tiny.tif.histossl").exists()


def test_a_table_of_slides_goes_on_after_a_bad_one(tiny_tiff, weights, shell, tmp_path):
    (tmp_path / "bad.tif").write_bytes(b"no slide")
    lines = ["slide", "bad.tif", "absent.svs", "tiny.tif"]
    (tmp_path / "slides.csv").write_text("\n".join(lines))
    done = shell(
        "features", "--slides", tmp_path / "slides.csv",
        "--weights", weights / "tiny.safetensors", "--workspace", tmp_path / "w",
    )  # fmt: skip
    assert done.code == 1
    assert "done      1 of 3 slides" in done.out
    assert done.out.count("failed    ") == 2
    assert (tmp_path / "w/tiny.tif.histossl/embeddings/tiny.zarr").is_dir()
    refused(shell("features"), "give a slide, or a table")


def test_out_as_h5_and_in_again(computed, shell, tmp_path):
    out = tmp_path / "tiny.h5"
    assert shell("embeddings", "export", computed, out).code == 0
    with h5py.File(out) as file:
        count, dimension = file["features"].shape
        assert file["coords"].shape == (count, 2)
        assert dimension == 24
    back = shell("embeddings", "import", out, computed, "--name", "back")
    assert back.code == 0, back.err
    assert f"{count:,} embeddings" in back.out
    refused(shell("embeddings", "clusters", computed), "several embeddings")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["features"], file["coords"] = np.ones((2, 5)), np.array([[0, 0], [64, 32]])
    foreign = ("embeddings", "import", tmp_path / "foreign.h5", computed)
    refused(shell(*foreign), "the edge of a patch in level-0 pixels and the model")
    taken = shell(*foreign, "--model", "other", "--patch", 32)
    assert taken.code == 0, taken.err


def test_find_similar(computed, shell):
    found = shell(
        "embeddings", "similar", computed, "--at", "350,450", "--top", 5,
        "--heat", "like this",
    )  # fmt: skip
    assert found.code == 0, found.err
    lines = found.out.splitlines()
    assert lines[0].split() == ["score", "row", "column", "slide"]
    scores = [float(line.split()[0]) for line in lines[1:6]]
    assert scores == sorted(scores, reverse=True)
    results = computed.parent / "tiny.tif.histossl"
    assert (results / "overlays" / "like this.ome.zarr").is_dir()
    boxed = shell("embeddings", "similar", computed, "--box", "300,400,100,100")
    assert boxed.code == 0, boxed.err
    refused(shell("embeddings", "similar", computed), "point at a patch")
    refused(
        shell("embeddings", "similar", computed, "--at", "1;2"),
        "--at is ROW,COLUMN in level-0 pixels; got '1;2'",
    )
    refused(
        shell("embeddings", "similar", computed, "--at", "1,2", "--of", 2),
        "1 slides are searched",
    )


def test_another_model_is_not_compared(computed, weights, shell):
    other = weights / "other.safetensors"
    assert shell("features", computed, "--weights", other).code == 0
    folder = computed.parent / "tiny.tif.histossl" / "embeddings"
    refused(
        shell("embeddings", "similar", folder / "tiny.zarr", folder / "other.zarr",
                 "--at", "350,450"),
        "compute them with the same weights",
    )  # fmt: skip


def test_clusters(computed, shell):
    found = shell("embeddings", "clusters", computed, "--count", 3)
    assert found.code == 0, found.err
    assert found.out.count("patches") == 3
    refused(shell("embeddings", "clusters", computed, "--count", 3), "exists already")
    again = shell("embeddings", "clusters", computed, "--count", 4, "--overwrite")
    assert again.out.count("patches") == 4
    refused(
        shell("embeddings", "clusters", computed, "--count", 0, "--overwrite"),
        "1 to 255 clusters",
    )


def test_a_slide_without_embeddings(tiny_tiff, shell):
    refused(shell("embeddings", "clusters", tiny_tiff), "napari-histossl features")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("command", ["features", "hierarchy"])
def test_a_gpu_that_is_absent(command, tiny_tiff, weights, shell):
    words = [command, tiny_tiff, "--weights", weights / "tiny.safetensors"]
    if command == "hierarchy":
        words += ["--region-weights", weights / "region.safetensors"]
    refused(shell(*words, "--device", "cuda"), "a GPU was asked for")
    assert not list(tiny_tiff.parent.rglob("*.zarr"))


def test_two_levels_of_attention(tiny_tiff, weights, shell):
    from napari_histossl.overlays.hierarchy_view import HierarchyView
    from napari_histossl.store import Pyramid

    words = (
        "hierarchy", tiny_tiff, "--weights", weights / "tiny.safetensors",
        "--region-weights", weights / "region.safetensors", "--shifted",
    )  # fmt: skip
    done = shell(*words, "--name", "two")
    assert done.code == 0, done.err
    assert "3 patch heads and 2 region heads" in done.out
    out = tiny_tiff.parent / "tiny.tif.histossl" / "overlays" / "two.ome.zarr"
    with Pyramid.open(out) as pyramid:
        view = HierarchyView.of(pyramid)
        values = pyramid.read(pyramid.levels[0].box)
    assert view.shifted
    assert np.isfinite(values[:, 44, 56]).all()
    assert np.nanmin(values) > 0
    assert np.nanmax(values) <= 1
    wrong = weights / "tiny.safetensors"
    refused(shell("hierarchy", tiny_tiff, "--region-weights", wrong), "reads pixels")
