"""Pictures and patches from files: the right pixels, and words for bad files."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_histossl.errors import PlanError, SlideOpenError, StoreError
from napari_histossl.slide import ArraySlide, FileSource, open_slide
from tests.conftest import draw_tissue

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def folder(tmp_path, rng):
    """Three pictures of 40 x 50 px, one in a folder within, and a text."""
    (tmp_path / "within").mkdir()
    pixels = rng.integers(0, 255, (3, 40, 50, 3), dtype=np.uint8)
    for picture, name in zip(pixels, ("b.png", "c.tif", "within/a.png"), strict=True):
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path, pixels


def test_the_middle_of_each_picture(folder):
    from napari_histossl.training.pictures import Pictures, find_pictures

    root, pixels = folder
    paths = find_pictures(root)
    assert [p.name for p in paths] == ["b.png", "c.tif", "a.png"]
    pictures = Pictures(paths, 20, factors=(1, 2))
    assert pictures.shape == (6, 20, 20, 3)
    got = pictures[np.array([4, 0, 1])]
    np.testing.assert_array_equal(got[0], pixels[2, 10:30, 15:35])
    np.testing.assert_array_equal(got[1], pixels[0, 10:30, 15:35])
    halved = pixels[0, :, 5:45].reshape(20, 2, 20, 2, 3).mean((1, 3))
    np.testing.assert_array_equal(got[2], np.rint(halved))
    np.testing.assert_array_equal(pictures[1:3], pictures[np.array([1, 2])])


def test_bad_pictures(folder, tmp_path):
    from napari_histossl.training.pictures import Pictures, find_pictures

    root, _ = folder
    paths = find_pictures(root)
    with pytest.raises(PlanError, match="40 x 50 px, fewer than the 48 x 48"):
        Pictures(paths, 48)[[0]]
    (root / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nhalf a picture")
    with pytest.raises(SlideOpenError, match=r"b\.png cannot be read as a picture"):
        Pictures(paths, 20)[[0]]
    with pytest.raises(PlanError, match="no folder"):
        find_pictures(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PlanError, match="no pictures"):
        find_pictures(tmp_path / "empty")


def _write_slide(path, picture):
    tifffile.imwrite(
        path, picture, tile=(128, 128), photometric="rgb", compression="deflate",
        resolution=(20000, 20000), resolutionunit="CENTIMETER", metadata=None,
    )  # fmt: skip


@pytest.fixture
def slides(tmp_path):
    """Two slides of drawn tissue at 0.5 um/px, one without tissue, one broken."""
    for seed in (1, 2):
        _write_slide(tmp_path / f"slide{seed}.tif", draw_tissue(600, 800, seed))
    _write_slide(tmp_path / "glass.tif", np.full((600, 800, 3), 240, np.uint8))
    (tmp_path / "torn.tif").write_bytes(b"II*\0torn")
    return [FileSource(path) for path in sorted(tmp_path.glob("*.tif"))]


def _places(sources, plan):
    from napari_histossl.training.slide_patches import find_places

    places, problems = [], []
    records = list(find_places(sources, plan, places, problems))
    assert [r.done for r in records] == list(range(1, len(sources) + 1))
    return places, problems


def test_patches_of_tissue_in_mixed_magnifications(slides):
    from napari_histossl.training.slide_patches import PatchPlan, SlidePatches

    plan = PatchPlan(per_slide=6, patch_px=48, mpps=(0.5, 1.25), seed=3)
    places, problems = _places(slides, plan)
    assert len(places) == 24
    assert sorted(p.split()[0] for p in problems) == ["glass.tif", "torn.tif"]
    assert _places(slides, plan)[0] == places
    patches = SlidePatches(places)
    assert patches.shape == (24, 48, 48, 3)
    read = patches[np.array([0, 6, 12])]
    patches.close()
    with open_slide(slides[1].path) as slide:
        np.testing.assert_array_equal(read[0], slide.read(places[0].box, 0))
        whole = slide.read(slide.levels[0].box, 0)
    assert places[6].downsample == pytest.approx(2.5)
    y, x = (round(v * 2.5) for v in (places[6].box.y, places[6].box.x))
    below = whole[y : y + 120, x : x + 120].mean((0, 1))
    np.testing.assert_allclose(read[1].mean((0, 1)), below, atol=4)
    assert (np.asarray(read).mean((1, 2, 3)) < 225).all()  # tissue, not glass


def test_slides_that_cannot_serve(slides, tissue_picture):
    from napari_histossl.training.slide_patches import PatchPlan, SlidePatches

    _, problems = _places(slides[1:2], PatchPlan(4, 48, (0.25,)))
    assert "coarser than the 0.25 um/px" in problems[0]
    unscaled = ArraySlide(tissue_picture, name="unscaled").source
    _, problems = _places([unscaled], PatchPlan(4, 48))
    assert "does not say how large a pixel is" in problems[0]
    with pytest.raises(PlanError, match="no slide has a patch"):
        SlidePatches([])
    with pytest.raises(PlanError, match="patch_px=0"):
        PatchPlan(patch_px=0)


def test_a_training_from_slides(slides):
    from napari_histossl.training import DinoRecipe, DinoTrainer
    from napari_histossl.training.slide_patches import PatchPlan, SlidePatches

    recipe = DinoRecipe(
        steps=2, batch=8, embed_dim=24, depth=1, num_heads=3, prototypes=16, hidden=16,
        bottleneck=8, global_px=32, local_px=16,
    )  # fmt: skip
    places, _ = _places(slides, PatchPlan(per_slide=8, patch_px=40))
    trainer = DinoTrainer(SlidePatches(places), recipe)
    assert np.isfinite([trainer.step().loss for _ in range(2)]).all()
    trainer.close()


def test_regions_of_grids(tmp_path, rng):
    import zarr

    from napari_histossl.training.grids import load_regions

    grid = rng.normal(size=(9, 8, 5)).astype(np.float32)
    grid[4:, 4:] = np.nan  # the last region is not known
    grid[0, 0] = np.nan
    np.savez(tmp_path / "a.npz", whole=grid)
    np.save(tmp_path / "b.npy", grid[:4, :4])
    array = zarr.create_array(tmp_path / "c.zarr", shape=(4, 8, 5), dtype="f4")
    array[:] = grid[4:8]
    regions = load_regions(tmp_path, 4)
    assert regions.shape == (3 + 1 + 1, 4, 4, 5)
    np.testing.assert_array_equal(regions[1], grid[:4, 4:])
    np.testing.assert_array_equal(regions[2], regions[4])
    assert (regions[0, 0, 0] == 0).all()
    assert np.isfinite(regions).all()


def test_the_embeddings_of_a_slide_are_a_grid(tmp_path, rng):
    from napari_histossl.store import EmbeddingsHeader, EmbeddingStore
    from napari_histossl.training.grids import load_regions, read_grids

    header = EmbeddingsHeader("a.svs", "", (2000, 3000), (0.5, 0.5), 256.0, "vit", "")
    rows, columns = np.mgrid[1:6, 2:8]
    places = np.stack([rows.ravel(), columns.ravel()], 1) * 256
    kept = np.arange(len(places)) != 8  # no tissue in one
    features = rng.normal(size=(len(places), 3)).astype(np.float32)
    path = tmp_path / "vit.zarr"
    with EmbeddingStore.create(path, header, places[kept], 3) as store:
        store.write(range(int(kept.sum())), features[kept])
    (grid,) = read_grids(path)
    expected = features.reshape(5, 6, 3)
    assert np.isnan(grid[1, 2]).all()
    np.testing.assert_array_equal(np.nan_to_num(grid[0]), expected[0])
    assert load_regions(tmp_path, 5).shape == (1, 5, 5, 3)


def test_bad_grids(tmp_path, rng):
    from napari_histossl.training.grids import load_regions

    with pytest.raises(PlanError, match="no folder"):
        load_regions(tmp_path / "none")
    with pytest.raises(PlanError, match="no grids"):
        load_regions(tmp_path)
    np.save(tmp_path / "a.npy", rng.normal(size=(4, 4)))
    with pytest.raises(PlanError, match=r"shape \(4, 4\)"):
        load_regions(tmp_path, 4)
    np.save(tmp_path / "a.npy", rng.normal(size=(4, 4, 3)))
    with pytest.raises(PlanError, match="no region of 16 x 16"):
        load_regions(tmp_path)
    np.save(tmp_path / "b.npy", rng.normal(size=(4, 4, 2)))
    with pytest.raises(PlanError, match="take those of one model"):
        load_regions(tmp_path, 4)
    np.save(tmp_path / "a.npy", np.array([{"a": 1}]), allow_pickle=True)
    with pytest.raises(StoreError, match="cannot be read as arrays"):
        load_regions(tmp_path)
