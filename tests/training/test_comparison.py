"""Several features on the same pictures: planted ones get what they deserve."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import PlanError
from napari_histossl.training import shift_stain

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CLASSES = ("bright", "dark", "grey")


def _sets(seed=0, count=60):
    """Squares whose texture tells the class, whatever the stain."""
    from napari_histossl.training.comparison import ProbeSets
    from napari_histossl.training.labelled import Labelled
    from napari_histossl.training.stain import Restained

    def some(stream):
        rng = np.random.default_rng([seed, stream])
        labels = np.arange(count) % 3
        images = np.full((count, 16, 16, 3), 170, np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:: 2 + 2 * label] = 60
            image[rng.integers(0, 16), rng.integers(0, 16)] = 10
        return Labelled(images, labels, CLASSES, numbers=labels / 2)

    known, test = some(1), some(2)
    other = Restained(test.pictures, np.random.default_rng(5))
    return ProbeSets(known, test, other)


def _texture(images):
    """Share of dark rows relative to the picture's own range: blind to the stain."""
    rows = images[:, :, 1:, 0].astype(np.float32).max(2)
    low, high = rows.min(1, keepdims=True), rows.max(1, keepdims=True)
    dark = (rows - low) / (high - low + 1e-6) < 0.5
    return dark.mean(1, keepdims=True).astype(np.float32)


def _neighbours(bank, known, chosen, tests, truth):
    from napari_histossl.training.probing import score_neighbours

    return score_neighbours(bank, known.labels[chosen], tests, truth.labels)


def _contestants():
    from napari_histossl.training.comparison import Contestant
    from napari_histossl.training.features import colour_histogram

    def noise(number):
        rng = np.random.default_rng(number)
        return lambda images: rng.random((len(images), 2)).astype(np.float32)

    random = [Contestant("noise", lambda n=n: noise(n)) for n in range(3)]
    return [
        Contestant("texture", lambda: _texture),
        Contestant("colour", lambda: colour_histogram),
        *random,
    ]


@pytest.fixture(scope="module")
def judged():
    from napari_histossl.training.comparison import compare

    rows = []
    records = list(
        compare(_contestants(), _sets(), _neighbours, rows, shares=(1.0, 0.5))
    )
    return rows, records


def test_planted_features_win(judged):
    from napari_histossl.training.score_table import averaged

    rows, records = judged
    assert records[-1].done == records[-1].total == 5 * 180
    assert len(rows) == 5 * 2 * 2
    score = {(r.name, r.share, r.stain): r.score for r in averaged(rows)}
    assert len(score) == 3 * 2 * 2
    for stain in ("same", "other"):
        assert score["texture", 1.0, stain].accuracy == 1.0
        assert score["texture", 1.0, stain].aucs == (1.0, 1.0, 1.0)
        assert score["noise", 1.0, stain].accuracy < 0.6
    assert score["colour", 1.0, "same"].accuracy == 1.0
    assert score["colour", 1.0, "other"].accuracy < 0.9


def test_starts_are_averaged(judged):
    from napari_histossl.training.score_table import averaged

    rows, _ = judged
    single = [r.score.accuracy for r in rows
              if (r.name, r.share, r.stain) == ("noise", 1.0, "same")]  # fmt: skip
    mean = next(r for r in averaged(rows) if r.name == "noise").score
    assert len(set(single)) > 1
    assert mean.accuracy == pytest.approx(np.mean(single))


def test_the_table_and_the_file(judged, tmp_path):
    from napari_histossl.training.score_table import class_table, table, write_rows

    rows, _ = judged
    lines = table(rows).splitlines()
    assert len(lines) == 2 + 3 * 2
    assert len({len(line) for line in lines}) == 1
    assert "macro AUC, other stain" in lines[0]
    assert lines[2].split()[1:4] == ["texture", "|", "100%"]
    by_class = class_table(rows, CLASSES).splitlines()
    assert by_class[0].count("AUC") == 3
    assert len(by_class) == 2 + 3 * 2 * 2
    assert by_class[2].split()[-8:] == ["same", "|", *["1.000", "|"] * 3]
    write_rows(rows, CLASSES, tmp_path / "a.csv")
    written = (tmp_path / "a.csv").read_text().splitlines()
    assert written[0] == "features,labels,stain,measure,value"
    assert len(written) == 1 + len(rows) * 5
    with pytest.raises(PlanError, match="cannot be written"):
        write_rows(rows, CLASSES, tmp_path / "none" / "a.csv")


def test_linear_probes_of_classes_and_numbers():
    from napari_histossl.training.probing import score_linear, score_numbers

    sets = _sets()
    bank, test = _texture(sets.known.pictures), _texture(sets.test.pictures)
    noise = np.random.default_rng(0).random((60, 1))
    good, bad = score_linear(
        bank, sets.known.labels, [test, noise], sets.test.labels, penalty=0.01
    )
    assert good.accuracy == 1.0
    assert bad.accuracy < 0.7
    near, far = score_numbers(
        bank, sets.known.numbers, [test, noise], sets.test.numbers, penalty=0
    )
    assert near.error < 0.02 < far.error
    assert near.in_order > 0.99
    assert near.tau > 0.8
    assert far.in_order < 0.7


def test_a_share_of_the_labels():
    from napari_histossl.training.probing import subset

    labels = np.repeat([0, 1, 2], [40, 8, 1])
    half, quarter = subset(labels, 49, 0.5), subset(labels, 49, 0.25)
    assert np.bincount(labels[half]).tolist() == [20, 4, 1]
    assert set(quarter) < set(half)
    assert subset(labels, 49, 1.0).tolist() == list(range(49))
    assert len(subset(None, 40, 0.25)) == 10
    assert not np.array_equal(half, subset(labels, 49, 0.5, seed=1))
    with pytest.raises(PlanError, match="share of labels"):
        subset(labels, 49, 0)


def test_sets_that_do_not_go_together():
    sets = _sets()
    with pytest.raises(PlanError, match="the same"):
        replace(sets, known=replace(sets.known, classes=("a", "b")))
    with pytest.raises(PlanError, match="of the same kind"):
        replace(sets, known=replace(sets.known, numbers=None))


def test_too_few_neighbours():
    from napari_histossl.training.probing import score_neighbours

    bank, labels = np.eye(3), np.arange(3)
    with pytest.raises(PlanError, match="5 neighbours cannot be found among 3"):
        score_neighbours(bank, labels, [bank], labels)


def test_restaining_is_the_same_however_it_is_read():
    from napari_histossl.training.stain import Restained

    images = np.random.default_rng(0).integers(0, 255, (7, 4, 4, 3), dtype=np.uint8)
    whole = shift_stain(images, np.random.default_rng(2))
    lazy = Restained(images, np.random.default_rng(2))
    np.testing.assert_array_equal(lazy[np.array([5, 2])], whole[[5, 2]])
    np.testing.assert_array_equal(lazy[3:5], whole[3:5])


def test_features_of_a_model_do_not_depend_on_the_batch():
    from napari_histossl.models import create_model, model_spec
    from napari_histossl.training.features import encode_all, model_encoder

    options = {"depth": 18, "stages": 1, "width": 8}
    spec, model = model_spec("resnet", **options), create_model("resnet", **options)
    images = np.random.default_rng(0).integers(0, 255, (60, 32, 32, 3), dtype=np.uint8)
    found, encoder = [], model_encoder(model.eval(), spec)
    records = list(encode_all(encoder, images, found))
    assert [r.done for r in records] == [50, 60]
    np.testing.assert_allclose(found[0][55], encoder(images[55:56])[0], atol=1e-5)


def test_histograms_count_every_pixel():
    from napari_histossl.training.features import colour_histogram

    images = np.zeros((2, 4, 4, 3), np.uint8)
    images[1, :2] = 255
    shares = colour_histogram(images)
    assert shares.shape == (2, 512)
    assert shares[0, 0] == 1.0
    assert (shares[1, 0], shares[1, -1]) == (0.5, 0.5)
