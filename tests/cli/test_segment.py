"""`napari-histossl segment` and `class-maps`: what they print, write, and refuse."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny classifier and a tiny segmenter of two classes, by name."""
    from napari_histossl.models import create_model, model_spec, save_weights

    folder = tmp_path_factory.mktemp("weights")
    made = {}
    options = {"resnet38": {"width": 1 / 16}, "deeplabv3plus": {"backbone": "small"}}
    for name, config in options.items():
        torch.manual_seed(0)
        config = {"n_classes": 2, **config}
        spec = replace(model_spec(name, **config), tile_px=64, mpp=0.5)
        made[name] = folder / f"{name}.safetensors"
        save_weights(create_model(name, **config), spec, made[name])
    return made


@pytest.fixture
def segment(shell, weights, tmp_path):
    def run(*arguments, command="segment"):
        pair = ["--classifier", weights["resnet38"]]
        if command == "segment":
            pair += ["--weights", weights["deeplabv3plus"]]
        return shell(command, *arguments, *pair, "--workspace", tmp_path / "work")

    return run


def test_a_slide_twice_then_a_mask_from_it(tiny_tiff, segment, shell, tmp_path):
    from napari_histossl.annotate import MaskStore
    from napari_histossl.geometry import Box
    from napari_histossl.store import Pyramid

    first = segment(tiny_tiff, "--name", "s", "--epsilon", 0.2)
    assert first.code == 0, first.err
    for words in ("2 classes", "64 px", "at most 0.2", "written", "labels"):
        assert words in first.out
    work = tmp_path / "work"
    with Pyramid.open(next(work.rglob("s.ome.zarr"))) as maps:
        values = maps.read(maps.levels[0].box)
        assert maps.provenance["parameters"]["recipe"] == "paper"
    assert np.isfinite(values[:, 87, 112]).all()
    assert np.isnan(values[:, 0, 0]).all()  # glass is not computed
    again = segment(tiny_tiff, "--name", "s", "--epsilon", 0.2)
    assert again.code == 0, again.err
    other = segment(tiny_tiff, "--name", "s", "--epsilon", 0.3)
    assert (other.code, other.out.count("written")) == (1, 0)
    assert "another epsilon" in other.err

    arguments = ["--from-overlay", "s", "--name", "m", "--workspace", work]
    made = shell("mask", "create", tiny_tiff, *arguments)
    assert made.code == 0, made.err
    with MaskStore.open(next(work.rglob("masks/m.ome.zarr")), read_only=True) as mask:
        labels = mask.read(Box(0, 0, 700, 900))
        expected = np.where(values[1] > values[0], 2, 1) * np.isfinite(values[0])
        expected = (expected * ~(values[2] > 0.5)).repeat(4, 0).repeat(4, 1)
        np.testing.assert_array_equal(labels, expected[:700, :900])
        assert [info.name for info in mask.classes] == ["class 1", "class 2"]


def test_a_table_of_slides_goes_on_after_a_bad_one(tiny_tiff, segment, tmp_path):
    table = tmp_path / "slides.csv"
    table.write_text(f"slide\n{tmp_path / 'none.svs'}\n{tiny_tiff}\n")
    done = segment("--slides", table, "--no-gate")
    assert done.code == 1
    assert "done      1 of 2 slides" in done.out
    assert "none.svs" in done.out


def test_what_a_classifier_sees(tiny_tiff, segment, tmp_path):
    done = segment(tiny_tiff, "--name", "c", command="class-maps")
    assert done.code == 0, done.err
    assert "2 classes at b4_5, b5_2, bn7, cam" in done.out
    names = {path.name for path in (tmp_path / "work").rglob("overlays/*.ome.zarr")}
    for part in ("probability", "cam", "bn7", "pseudo-mask bn7", "pseudo-mask b4_5"):
        assert f"c {part}.ome.zarr" in names


def test_a_plan_writes_nothing(tiny_tiff, segment, tmp_path):
    done = segment(tiny_tiff, "--plan")
    assert done.code == 0, done.err
    assert not list((tmp_path / "work").rglob("*.ome.zarr"))


def test_weights_of_the_wrong_kind_are_one_sentence(tiny_tiff, shell, weights):
    done = shell("segment", tiny_tiff, "--weights", weights["resnet38"])
    assert done.code == 1
    assert "weights of resnet38, which is no segmenter" in done.err
    assert "Traceback" not in done.err
