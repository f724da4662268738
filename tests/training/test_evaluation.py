"""Judging: planted features and attention get the numbers they deserve."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import PlanError
from napari_histossl.models import model_spec
from napari_histossl.phantom.patches import Patches
from napari_histossl.training import (
    Drawing,
    draw,
    draw_all,
    evaluate,
    join,
    make_sets,
    random_start,
)
from napari_histossl.training.evaluation import head_lifts, heading, look, mean_of, rows

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

SPEC = replace(
    model_spec("vit", img_size=32, patch_size=8, embed_dim=24, depth=1, num_heads=3),
    tile_px=32,
)


def _patches(seed, count=30):
    """Bright and dark squares; what is dark in them is a nucleus."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.uint8) % 2 + 1
    images = np.where(labels == 1, 220, 160)[:, None, None, None]
    images = np.broadcast_to(images, (count, 32, 32, 3)).astype(np.uint8).copy()
    nuclei = np.zeros((count, 32, 32), bool)
    for index in range(count):
        row, column = rng.integers(0, 4, 2) * 8
        nuclei[index, row : row + 8, column : column + 8] = True
    images[nuclei] = (70, 50, 120)
    return Patches(images, labels, nuclei, np.zeros(count, np.int64))


class _Oracle(torch.nn.Module):
    """Features are mean colours; head 1 looks at dark tokens, the others anywhere."""

    def features_and_attention(self, images):
        tokens = torch.nn.functional.avg_pool2d(images, 8).flatten(2)  # (B, 3, 16)
        dark = (tokens.mean(1) < -0.1).float() + 1e-6
        flat = torch.ones_like(dark) / 17
        heads = torch.stack([flat, dark / dark.sum(1, keepdim=True), flat], 1)
        return images.mean((2, 3)), torch.cat([heads[:, :, :1] * 0, heads], 2)


@pytest.fixture(scope="module")
def sets():
    return make_sets(_patches(0), _patches(1), _patches(2))


def test_planted_attention_is_found(sets):
    found = evaluate(_Oracle(), SPEC, sets)
    assert found.head == 1
    assert found.lift == pytest.approx(16, rel=1e-3)
    assert found.lifts[0] == pytest.approx(1)
    assert found.knn == 1.0
    assert 0.3 < found.knn_shifted < 1.0


def test_the_head_is_chosen_on_other_slides(sets):
    """Validation nuclei elsewhere: the chosen head does not follow the test set."""
    elsewhere = np.roll(sets.validation.nuclei, 8, axis=2)
    moved = replace(sets.validation, nuclei=elsewhere)
    found = evaluate(_Oracle(), SPEC, replace(sets, validation=moved))
    assert found.head != 1
    assert found.lift == pytest.approx(1)


def test_random_starts_differ_and_repeat(sets):
    first, again, other = (random_start(SPEC, s) for s in (0, 0, 1))
    tokens = [look(m, SPEC, sets.bank.images)[0] for m in (first, again, other)]
    np.testing.assert_array_equal(tokens[0], tokens[1])
    assert not np.allclose(tokens[0], tokens[2])


def test_pictures_with_few_nuclei_do_not_count():
    attention = np.ones((2, 1, 4, 4), np.float32)
    attention[1] = np.nan  # would spoil the mean
    nuclei = np.zeros((2, 32, 32), bool)
    nuclei[0, :8, :16] = True
    assert head_lifts(attention, nuclei) == pytest.approx(1)


def test_lines_of_a_table(sets):
    lines = list(rows(random_start(SPEC, 9), SPEC, sets, starts=2))
    names = [line.split("  ")[0] for line in lines]
    assert names == ["trained", "random start 0", "random start 1", "mean of random"]
    assert all(len(line) == len(heading()) for line in lines)
    several = [evaluate(random_start(SPEC, n), SPEC, sets) for n in range(2)]
    assert mean_of(several).knn == np.mean([e.knn for e in several])


def test_drawing_does_not_depend_on_the_workers():
    drawing = Drawing(seeds=(3, 4), per_class=2, patch_px=64)
    parts = []
    records = list(draw(drawing, parts, workers=2))
    assert [r.done for r in records] == [1, 2]
    alone, together = draw_all(drawing), join(parts)
    assert len(alone) == 16
    for field in ("images", "labels", "nuclei", "seeds"):
        np.testing.assert_array_equal(getattr(alone, field), getattr(together, field))


def test_patches_without_nuclei_judge_nothing(sets):
    bare = replace(sets.validation, nuclei=np.zeros_like(sets.validation.nuclei))
    with pytest.raises(PlanError, match="nuclei"):
        evaluate(_Oracle(), SPEC, replace(sets, validation=bare))
