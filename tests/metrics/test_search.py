"""What looks like this: over slides, by point and by box, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.metrics.search import EmbeddingSearch
from napari_histossl.store import Embeddings, EmbeddingsHeader

HEADER = EmbeddingsHeader(
    "a.svs", "f00", (2560, 5120), (0.25, 0.25), 256.0, "vit", "ab" * 32
)


def make(seed, count=60, name="a.svs", dimension=12, **changes):
    rng = np.random.default_rng(seed)
    index = np.arange(count)
    places = np.stack([index // 10, index % 10], 1) * 256
    features = rng.normal(size=(count, dimension)).astype(np.float32)
    return Embeddings(replace(HEADER, slide_name=name, **changes), features, places)


@pytest.fixture
def parts():
    return [make(1), make(2, 35, "b.svs"), make(3, 80, "c.svs")]


def cosine(first, second):
    return first @ second / np.linalg.norm(first) / np.linalg.norm(second)


def test_every_patch_of_every_slide_is_compared(parts):
    search = EmbeddingSearch(parts)
    assert len(search) == 175
    query = search.query_at(1, 300, 700)  # patch in row 1, column 2
    assert query.rows == (12,)
    wanted = parts[1].features[12]
    expected = sorted(
        (
            (cosine(vector, wanted), number, *place)
            for number, part in enumerate(parts)
            for vector, place in zip(part.features, part.positions_px0, strict=True)
        ),
        reverse=True,
    )
    found = search.find(query, 30, with_query=True)
    assert (found[0].part, found[0].position_px0) == (1, (256, 512))
    assert found[0].score == pytest.approx(1)
    for match, (score, number, y, x) in zip(found, expected, strict=False):
        assert (match.part, *match.position_px0) == (number, y, x)
        assert match.score == pytest.approx(score, abs=1e-5)
        assert match.slide_name == parts[number].header.slide_name
    assert search.find(query, 29)[0] == found[1]
    assert found[3].box_px0 == Box(*found[3].position_px0, 256, 256)


def test_scores_are_those_of_each_slide(parts):
    search = EmbeddingSearch(parts)
    query = search.query_at(0, 0, 0)
    scores = search.scores(query)
    assert [len(part) for part in scores] == [60, 35, 80]
    best = search.find(query, 1)[0]
    part, row = (
        best.part,
        list(map(tuple, parts[best.part].positions_px0)).index(best.position_px0),
    )
    assert scores[part][row] == best.score


def test_a_box_stands_for_the_mean_of_what_lies_in_it(parts):
    search = EmbeddingSearch(parts)
    # middles at 128 + 256 k: rows 0 and 1, columns 1 to 3
    query = search.query_in(0, Box(100, 300, 300, 700))
    assert query.rows == (1, 2, 3, 11, 12, 13)
    chosen = parts[0].features[list(query.rows)].astype(float)
    chosen /= np.linalg.norm(chosen, axis=1, keepdims=True)
    np.testing.assert_allclose(query.vector, chosen.mean(0), rtol=1e-5)
    found = search.find(query, 1000)
    assert len(found) == 175 - 6  # its own patches are left out


def test_a_box_inside_a_patch_stands_for_the_patch(parts):
    search = EmbeddingSearch(parts)
    assert search.query_in(0, Box(260, 270, 20, 20)).rows == (11,)


def test_a_box_where_nothing_was_computed(parts):
    with pytest.raises(PlanError, match=r"no patch of b\.svs"):
        EmbeddingSearch(parts).query_in(1, Box(2000, 2000, 50, 50))


def test_what_cannot_be_compared(parts):
    cases = {
        r"b\.svs are of resnet \(weights abababab\).*a\.svs of vit": {
            "model": "resnet"
        },
        r"weights cdcdcdcd": {"weights_sha256": "cd" * 32},
        "have 7 numbers": {"dimension": 7},
    }
    for words, changes in cases.items():
        with pytest.raises(PlanError, match=words):
            EmbeddingSearch([parts[0], make(2, 35, "b.svs", **changes)])
    with pytest.raises(PlanError, match="no embeddings to search"):
        EmbeddingSearch([])


def test_what_cannot_be_asked(parts):
    search = EmbeddingSearch(parts)
    with pytest.raises(PlanError, match="at least one match"):
        search.find(search.query_at(0, 0, 0), 0)
    with pytest.raises(PlanError, match="3 slides are searched"):
        search.query_at(3, 0, 0)
    two = replace(
        parts[0],
        features=np.array([[1, 0], [-1, 0]], np.float32),
        positions_px0=parts[0].positions_px0[:2],
    )
    opposite = EmbeddingSearch([two])
    with pytest.raises(PlanError, match="length 0 is like nothing"):
        opposite.find(opposite.query_in(0, Box(0, 0, 512, 512)))
