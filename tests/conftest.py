"""Fixtures for everybody: drawn slides, tiny files, slow slides. No Qt, no torch."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import settings

from napari_histossl.geometry import Box
from napari_histossl.slide import ArraySlide, Slide, open_slide

DATA = Path(__file__).parents[2] / "shared" / "data"
"""Real slides and patches; absent on most machines."""

settings.register_profile("same every time", derandomize=True)
settings.load_profile("same every time")  # what is new is looked for by `make soak`


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded numbers, new for every test."""
    return np.random.default_rng(20240607)


def draw_tissue(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Draw pink tissue with dark nuclei on glass: (height, width, 3) uint8."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows / height - 0.5, columns / width - 0.5)
    picture = np.full((height, width, 3), 243, np.float32)
    tissue = distance < 0.35
    picture[tissue] = (226, 160, 190)
    nuclei = random.random((height // 4 + 1, width // 4 + 1)) < 0.12
    nuclei = nuclei.repeat(4, 0).repeat(4, 1)[:height, :width]
    picture[tissue & nuclei] = (90, 60, 130)
    picture += random.normal(0, 4, picture.shape)
    return picture.clip(0, 255).astype(np.uint8)


@pytest.fixture
def tissue_picture() -> np.ndarray:
    """A drawn picture of 700 x 900 px."""
    return draw_tissue(700, 900)


@pytest.fixture
def array_slide(tissue_picture: np.ndarray) -> ArraySlide:
    """A drawn slide in memory: one level of 700 x 900 px, 0.5 um/px."""
    return ArraySlide(tissue_picture, mpp_yx=(0.5, 0.5), name="drawn")


@pytest.fixture
def tiny_tiff(tmp_path: Path, tissue_picture: np.ndarray) -> Path:
    """A tiled two-level TIFF of the drawn picture, 0.5 um/px, without loss."""
    path = tmp_path / "tiny.tif"
    options = {"tile": (128, 128), "photometric": "rgb", "compression": "deflate"}
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            tissue_picture,
            resolution=(20000, 20000),
            resolutionunit="CENTIMETER",
            metadata=None,
            **options,
        )
        half = np.ascontiguousarray(tissue_picture[::2, ::2])
        writer.write(half, subfiletype=1, metadata=None, **options)
    return path


class _Privileges:
    """What this thread of Linux may do: three words for the lower 32 rights."""

    _VERSION, _MAY_WRITE_ANYWHERE, _MAY_READ_ANYWHERE = 0x20080522, 1 << 1, 1 << 2

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._who = (ctypes.c_uint32 * 2)(self._VERSION, 0)
        self._had = (ctypes.c_uint32 * 6)()
        assert self._libc.capget(self._who, self._had) == 0

    def give_up(self) -> bool:
        fewer = (ctypes.c_uint32 * 6)(*self._had)
        fewer[0] &= ~(self._MAY_WRITE_ANYWHERE | self._MAY_READ_ANYWHERE)
        return self._libc.capset(self._who, fewer) == 0

    def take_back(self) -> None:
        assert self._libc.capset(self._who, self._had) == 0


@pytest.fixture
def modes_hold() -> Iterator[None]:
    """Folders that may not be written are not, also where root runs the tests."""
    if sys.platform == "win32":
        pytest.skip("modes of POSIX")
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("root may write everywhere")
    privileges = _Privileges()
    if not privileges.give_up():
        pytest.skip("root may write everywhere, and may not give that up")
    yield
    privileges.take_back()


class LatencySlide(Slide):
    """A slide on a slow drive: every read takes at least as long as told.

    `reads` counts what was asked for; `release` lets blocked reads go on.
    """

    def __init__(self, slide: Slide, latency_s: float = 0.0) -> None:
        self._slide, self.latency_s = slide, latency_s
        self.source, self.levels = slide.source, slide.levels
        self.mpp_yx, self.properties = slide.mpp_yx, slide.properties
        self.reads: list[tuple[Box, int]] = []
        self.gate = threading.Event()
        self.gate.set()

    def _read_inside(self, box: Box, level: int) -> np.ndarray:
        self.reads.append((box, level))
        time.sleep(self.latency_s)
        self.gate.wait(60)
        return self._slide.read(box, level)

    def close(self) -> None:
        self.gate.set()
        self._slide.close()


@pytest.fixture
def latency_slide(array_slide: ArraySlide) -> Iterator[LatencySlide]:
    """The drawn slide, counting reads; set `latency_s` or clear `gate` to slow it."""
    slide = LatencySlide(array_slide)
    yield slide
    slide.close()


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """Return the path of a real file, or skip the test where there is none."""

    def find(name: str) -> Path:
        path = DATA / name
        if not path.exists():
            pytest.skip(f"real data are not on this machine: ../shared/data/{name}")
        return path

    return find


@pytest.fixture
def real_slide(real_data: Callable[[str], Path]) -> Iterator[Slide]:
    """CMU-1-Small-Region.svs: 2967 x 2220 px, 0.499 um/px."""
    with open_slide(real_data("slides/CMU-1-Small-Region.svs")) as slide:
        yield slide


@pytest.fixture
def write_class_maps() -> Callable[..., Path]:
    """Write maps of classes as a run does: ``write(path, values, pixel_px0, ...)``.

    Channels of `values` are those of `classes`, and background if there is one more.
    """
    from napari_histossl.overlays.class_labels import BACKGROUND
    from napari_histossl.store import Pyramid

    def write(path, values, pixel_px0, classes, mpp=0.5, **parameters):
        names = [info.name for info in classes]
        told = {"kind": "segmentation", "epsilon": 0.1, **parameters}
        with Pyramid.create(
            path,
            shape=values.shape,
            dtype=np.float16,
            chunk_px=64,
            pixel_um_yx=(pixel_px0 * mpp,) * 2,
            pixel_px0_yx=(float(pixel_px0),) * 2,
            channel_names=[*names, BACKGROUND][: len(values)],
            fill_value=np.nan,
            min_level_px=20,
            provenance={
                "model": "deeplabv3plus",
                "weights_sha256": "0123abcd" * 8,
                "parameters": {**told, "classes": classes.to_json()},
            },
        ) as made:
            made.write(made.levels[0].box, values.astype(np.float16))
            made.refresh()
        return path

    return write


def write_panda_tiff(path: Path, picture: np.ndarray) -> None:
    """Write a tiled TIFF in three levels, 1, 4 and 16, 0.5 um/px, without loss."""
    options = {"tile": (256, 256), "photometric": "rgb", "compression": "deflate"}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tifffile.TiffWriter(path) as writer:
        for factor in (1, 4, 16):
            writer.write(
                np.ascontiguousarray(picture[::factor, ::factor]),
                resolution=(20000 / factor, 20000 / factor),
                resolutionunit="CENTIMETER",
                subfiletype=0 if factor == 1 else 1,
                metadata=None,
                **options,
            )


def draw_panda_mask(picture: np.ndarray, most: int) -> np.ndarray:
    """Draw labels 1 to most in blocks on what is tissue, in the red channel."""
    rows, columns = (np.arange(length) // 192 for length in picture.shape[:2])
    mask = np.zeros_like(picture)
    labels = 1 + (rows[:, None] + columns) % most
    mask[..., 0] = np.where(picture[..., 1] < 215, labels, 0)
    return mask


@pytest.fixture(scope="session")
def panda_pictures() -> dict[str, np.ndarray]:
    """Drawn tissue of 1200 x 1600 px for three cases, by their name."""
    names = ("0018ae58", "0005f7aa", "001c62ab")
    return {name: draw_tissue(1200, 1600, seed) for seed, name in enumerate(names)}


@pytest.fixture(scope="session")
def panda_files(
    tmp_path_factory: pytest.TempPathFactory, panda_pictures: dict[str, np.ndarray]
) -> Path:
    """The files of `panda`; do not change them."""
    root = tmp_path_factory.mktemp("panda")
    rows = ["image_id,data_provider,isup_grade,gleason_score"]
    facts = (("karolinska", 0, "0+0"), ("radboud", 4, "4+4"), ("radboud", 1, "3+3"))
    for (name, picture), (hospital, isup, gleason) in zip(
        panda_pictures.items(), facts, strict=True
    ):
        rows.append(f"{name},{hospital},{isup},{gleason}")
        write_panda_tiff(root / "train_images" / f"{name}.tiff", picture)
        if isup == 1:
            continue
        mask = draw_panda_mask(picture, 2 if hospital == "karolinska" else 5)
        write_panda_tiff(root / "train_label_masks" / f"{name}_mask.tiff", mask)
    (root / "train.csv").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture
def panda(tmp_path: Path, panda_files: Path) -> Path:
    """A drawn PANDA: one slide from each hospital, and one without a mask."""
    return Path(shutil.copytree(panda_files, tmp_path / "panda"))
