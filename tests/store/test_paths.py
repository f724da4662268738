from __future__ import annotations

import json
from pathlib import Path

import pytest

from napari_histossl.errors import StoreError
from napari_histossl.slide import ArraySlide, FileSource
from napari_histossl.store import paths, provenance


def test_results_lie_beside_the_slide():
    source = FileSource(Path("/data/a.svs"))
    assert paths.results_folder(source) == Path("/data/a.svs.histossl")
    assert paths.results_folder("/data/a.ndpi") == Path("/data/a.ndpi.histossl")
    assert paths.results_folder(source, "/work") == Path("/work/a.svs.histossl")


def test_a_slide_without_a_file_needs_a_workspace(array_slide: ArraySlide):
    with pytest.raises(StoreError, match="workspace"):
        paths.results_folder(array_slide.source)
    folder = paths.results_folder(array_slide.source, "/work")
    assert folder == Path("/work/drawn.histossl")


def test_names_cannot_leave_the_folder():
    assert paths.mask_path("f", "tumour 2") == Path("f/masks/tumour 2.ome.zarr")
    assert paths.overlay_path("f", "vit") == Path("f/overlays/vit.ome.zarr")
    for name in ("../a", "a/b", "", ".", "a\\b", "a:b"):
        with pytest.raises(StoreError, match="file name"):
            paths.mask_path("f", name)


def test_provenance_says_what_made_a_result(array_slide: ArraySlide):
    record = provenance.describe(
        array_slide, model="vit", weights_sha256="ab", parameters={"level": 1}
    )
    assert record["slide"]["name"] == "drawn"
    assert record["slide"]["fingerprint"] == array_slide.source.fingerprint
    assert record["slide"]["mpp_yx"] == [0.5, 0.5]
    assert record["parameters"] == {"level": 1}
    assert {"python", "numpy", "zarr", "napari-histossl"} <= set(record["versions"])
    assert json.loads(json.dumps(record)) == record
