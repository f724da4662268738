"""Find similar over 100,000 embeddings of 384: at most 100 ms."""

import numpy as np
import pytest

from napari_histossl.metrics.search import EmbeddingSearch
from napari_histossl.store import Embeddings, EmbeddingsHeader, EmbeddingStore

COUNT, DIMENSION, SLIDES = 100_000, 384, 10
HEADER = EmbeddingsHeader(
    "a.svs", "f00", (90_000, 90_000), (0.25, 0.25), 256.0, "vit", "ab" * 32
)


def drawn(count):
    rng = np.random.default_rng(0)
    index = np.arange(count)
    places = np.stack([index // 300, index % 300], 1) * 256
    features = rng.standard_normal((count, DIMENSION), np.float32)
    return Embeddings(HEADER, features, places)


@pytest.fixture(scope="module")
def search():
    return EmbeddingSearch([drawn(COUNT // SLIDES) for _ in range(SLIDES)])


def test_find_similar(benchmark, search):
    """From a click to the 20 most similar patches of ten slides."""

    def click():
        return search.find(search.query_at(3, 5000, 7000), 20)

    found = benchmark(click)
    assert len(found) == 20
    assert found[0].score >= found[-1].score


def test_find_similar_to_a_box_and_its_heat(benchmark, search):
    """From a drawn box to the similarity of every patch."""
    from napari_histossl.geometry import Box

    def draw():
        query = search.query_in(3, Box(2000, 2000, 3000, 3000))
        return search.find(query, 20), search.scores(query)

    found, scores = benchmark(draw)
    assert len(found) == 20
    assert sum(map(len, scores)) == COUNT


def test_open_a_slide(benchmark, tmp_path):
    """From the disk to memory: 10,000 embeddings."""
    one = drawn(COUNT // SLIDES)
    path = tmp_path / "a.zarr"
    with EmbeddingStore.create(path, HEADER, one.positions_px0, DIMENSION) as store:
        store.write(range(len(one)), one.features)

    def load():
        with EmbeddingStore.open(path) as store:
            return EmbeddingSearch([store.read()])

    assert len(benchmark(load)) == len(one)
