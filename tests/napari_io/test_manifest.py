"""The manifest: valid, and what it names is there."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import napari_histossl

npe2 = pytest.importorskip("npe2")
PACKAGE = Path(napari_histossl.__file__).parent


@pytest.fixture(scope="module")
def manifest():
    return npe2.PluginManifest.from_file(PACKAGE / "napari.yaml")


def test_it_is_the_one_that_napari_finds(manifest):
    assert npe2.PluginManifest.from_distribution("napari-histossl") == manifest


def test_every_name_without_a_window_resolves(manifest):
    names = [command.python_name for command in manifest.contributions.commands]
    assert len(set(names)) == len(names)
    for name in names:
        module, _, attribute = name.partition(":")
        if not module.startswith("napari_histossl.widgets"):
            assert callable(getattr(import_module(module), attribute))


def test_every_widget_is_named_in_its_module(manifest):
    """Read, not imported: importing widgets needs Qt."""
    tree = ast.parse((PACKAGE / "widgets" / "__init__.py").read_text())
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for command in manifest.contributions.commands:
        module, _, attribute = command.python_name.partition(":")
        if module == "napari_histossl.widgets":
            assert attribute in defined


def test_what_is_offered_has_a_command(manifest):
    offered = manifest.contributions
    known = {command.id for command in offered.commands}
    for kind in (
        offered.readers,
        offered.writers,
        offered.sample_data,
        offered.widgets,
    ):
        assert kind
        for item in kind:
            assert item.command in known


def test_patterns_and_suffixes_agree(manifest):
    from napari_histossl.napari_io.reader import SLIDE_SUFFIXES

    (reader,) = manifest.contributions.readers
    patterns = {pattern.lstrip("*") for pattern in reader.filename_patterns}
    assert SLIDE_SUFFIXES | {".tif", ".tiff", ".ome.zarr"} == patterns
    assert reader.accepts_directories


def test_npe2_reads_a_slide_with_it(npe2pm, manifest, tiny_tiff):
    with npe2pm.tmp_plugin(manifest=manifest) as plugin:
        layers = npe2.read([str(tiny_tiff)], stack=False, plugin_name=plugin.name)
    assert [kind for _, _, kind in layers] == ["image"]


def test_the_sample_slide_opens():
    from napari_histossl.napari_io.sample import open_sample
    from napari_histossl.resources import sample_folder

    if not (sample_folder() / "sample.svs").exists():
        pytest.skip("the sample slide has not been written into sample_data yet")
    ((arrays, options, kind),) = open_sample()
    assert kind == "image"
    assert arrays[0].ndim == 3
    assert options["units"] == ("um", "um")
