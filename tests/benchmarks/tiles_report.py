"""Print how many tiles a second each source gives, against the raw codec.

usage: python tests/benchmarks/tiles_report.py [SIDE_PX] [ROUNDS]

The raw codec (one pread, one call of imagecodecs, no more) and every source are run in
turns, so that other work on the machine falls on all of them; a ratio is the median of
the ratios of the rounds.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

from napari_histossl.geometry import Box
from napari_histossl.phantom import PhantomSlide
from napari_histossl.slide import ArraySlide, open_slide
from napari_histossl.slide.tiles import (
    SlideTileSource,
    TileService,
    keys_of_level,
    open_tiles,
    open_zarr_tiles,
)
from napari_histossl.store import Pyramid, write_tiff

RAW = "raw codec"
NAMES = (
    RAW,
    "SVS directly",
    "SVS directly, virtual level",
    "SVS through OpenSlide",
    "TIFF through tifffile",
    "zarr in a folder",
    "zarr over HTTP",
    "drawn slide",
)


class Subjects(contextlib.ExitStack):
    """A small slide in many shapes, and one source for each.

    Parameters
    ----------
    folder : Path
        Where to write.
    side_px : int
        Edge of the slide in pixels.
    """

    def __init__(self, folder: Path, side_px: int) -> None:
        super().__init__()
        picture = drawn(side_px)
        svs, tiff, zarr = folder / "a.svs", folder / "a.tif", folder / "a.ome.zarr"
        list(write_tiff(ArraySlide(picture, mpp_yx=(0.25, 0.25)), svs))
        options = {"tile": (256, 256), "photometric": "rgb", "compression": "jpeg"}
        tifffile.imwrite(tiff, picture, metadata=None, **options)
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
        shape = planes.shape
        with Pyramid.create(zarr, shape=shape, dtype=np.uint8, chunk_px=256) as store:
            store.write(Box(0, 0, side_px, side_px), planes)
            store.refresh()
        self._raw = _RawCodec(svs)
        slide = self.enter_context(open_slide(svs))
        direct = self.enter_context(open_tiles(slide))
        self._plain = self.enter_context(open_slide(tiff))
        address = self.enter_context(_served(folder))
        self.sources = {
            "SVS directly": direct,
            "SVS directly, virtual level": direct,
            "SVS through OpenSlide": SlideTileSource(slide),
            "TIFF through tifffile": SlideTileSource(self._plain),
            "zarr in a folder": open_zarr_tiles(zarr),
            "zarr over HTTP": open_zarr_tiles(f"{address}/{zarr.name}"),
            "drawn slide": open_tiles(PhantomSlide(1, 1024, 1024, 0.5)),
        }

    def places(self, name: str) -> list[tuple[int, int, int]]:
        """Return level, row and column of the tiles that are read."""
        source = self.sources.get(name, self.sources["SVS directly"])
        level = 1 if name.endswith("virtual level") else 0
        places = [key[1:] for key in keys_of_level(source, level)]
        return places[:16] if name == "drawn slide" else places

    def count(self, name: str) -> int:
        """Return how many tiles `read_all` reads."""
        return len(self.places(name))

    def read_all(self, name: str, threads: int) -> int:
        """Read all tiles of a source in so many threads; return how many."""
        places = self.places(name)
        self._plain._kept.clear()  # it keeps what it decodes: measure the decoding
        read = self._raw.read if name == RAW else self.sources[name].read_tile

        def part(first: int) -> int:
            return len([read(*place) for place in places[first::threads]])

        with ThreadPoolExecutor(threads) as pool:
            return sum(pool.map(part, range(threads)))


class _RawCodec:
    """The least that decoding a tile takes."""

    def __init__(self, path: Path) -> None:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
            self._columns = -(-page.imagewidth // page.tilewidth)
            self._places = list(zip(page.dataoffsets, page.databytecounts, strict=True))
            self._tables = page.jpegtables
        self._file = os.open(path, os.O_RDONLY)

    def read(self, level: int, ty: int, tx: int) -> np.ndarray:
        offset, count = self._places[ty * self._columns + tx]
        data = os.pread(self._file, count, offset)
        return imagecodecs.jpeg8_decode(data, tables=self._tables)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def _served(folder: Path):
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def drawn(side_px: int) -> np.ndarray:
    """Smooth colours with grain: some 15 kB a tile as a JPEG."""
    random = np.random.default_rng(0)
    coarse = random.integers(60, 240, (side_px // 16, side_px // 16, 3))
    smooth = coarse.repeat(16, 0).repeat(16, 1)
    return (smooth + random.integers(-8, 9, smooth.shape)).clip(0, 255).astype(np.uint8)


# ---- The report ----


def main(side_px: int, rounds: int) -> None:
    """Measure in turns and print a table."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Subjects(Path(folder), side_px) as subjects,
    ):
        speeds: dict[tuple[str, int], list[float]] = {}
        for _ in range(rounds):
            for threads in (1, 2):
                for name in NAMES:
                    start_s = time.perf_counter()
                    count = subjects.read_all(name, threads)
                    speed = count / (time.perf_counter() - start_s)
                    speeds.setdefault((name, threads), []).append(speed)
        print(f"{'source':30} {'threads':>7} {'tiles/s':>9} {'of raw':>7}")
        for (name, threads), values in speeds.items():
            floor = speeds[RAW, threads]
            ratio = statistics.median(
                value / raw for value, raw in zip(values, floor, strict=True)
            )
            speed = statistics.median(values)
            print(f"{name:30} {threads:7} {speed:9.0f} {ratio:7.2f}")
        _print_service(subjects, rounds)


def _print_service(subjects: Subjects, rounds: int) -> None:
    """Print what the service adds: tiles a second through it, and a hit."""
    source = subjects.sources["SVS directly"]
    wanted = keys_of_level(source, 0)
    ratios, hits_us = [], []
    for _ in range(rounds):
        start_s = time.perf_counter()
        subjects.read_all(RAW, 2)
        raw_s = time.perf_counter() - start_s
        with TileService(workers=2) as service:
            arrived = threading.Semaphore(0)
            service.add(source)
            while service.stats().queued or service.stats().running:
                time.sleep(0.001)
            service.listen(lambda key, told=arrived: told.release())
            start_s = time.perf_counter()
            service.want(wanted)
            for _ in wanted:
                arrived.acquire()
            ratios.append(raw_s / (time.perf_counter() - start_s))
            start_s = time.perf_counter()
            for _ in range(10_000):
                service.get(*wanted[0])
            hits_us.append((time.perf_counter() - start_s) * 100)
    print(f"through the service, 2 workers: {statistics.median(ratios):.2f} of raw")
    print(f"a hit: {statistics.median(hits_us):.2f} us")


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 4096,
        int(sys.argv[2]) if len(sys.argv) > 2 else 7,
    )
