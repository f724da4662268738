"""Run a plan: read, compute, write, remember what is done."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.slide import SlideSource
from napari_histossl.store import Pyramid
from napari_histossl.store.provenance import describe

_CHUNK_TOKENS = 256
"""Edge of a chunk: 16 tiles of 128 px with 8 px tokens; 128 kB a head."""

_IN_FLIGHT = 2
"""Batches handed out at once: one is computed while another one waits or is written."""

_MARK = re.compile(r"(\d+),(\d+)")
"""How a finished tile is remembered: row, column."""

Tile = tuple[int, int]
Submit = Callable[[Sequence[Box]], "Future[NDArray[np.float16]]"]


def run(
    source: SlideSource, plan: RunPlan, *, executor: Executor | None = None
) -> Iterator[Progress]:
    """Compute the tiles of a plan and write them as a pyramid.

    Parameters
    ----------
    source : SlideSource
        The slide the plan was made for.
    plan : RunPlan
        What to compute, and where to write it.
    executor : Executor, optional
        Computes batches: threads, processes, or a cluster; by default one thread of
        this process. It is not shut down here.

    Yields
    ------
    Progress
        At once, with the tiles that an earlier run has done, then after each batch;
        `box` is what is new in level-0 pixels of the overlay, one pixel a token.

    Raises
    ------
    StoreError
        If the overlay cannot be written, or one of the same name was made from
        something else.
    SlideReadError
        If a tile cannot be decoded; what was finished before stays finished.
    WeightsError
        If the weights cannot be read or have changed since the plan was made.

    Notes
    -----
    Tiles are marked as done after they are on the disk: a run that was killed goes on
    where it was and ends in the same pixels, with at most the batches in flight
    computed twice. Closing the generator stops it.
    """
    # weights are loaded before an overlay is touched: wrong ones leave nothing behind
    with (
        _computing(source, plan, executor) as submit,
        _open_overlay(source, plan) as pyramid,
    ):
        done = _done_tiles(pyramid)
        waiting = [tile for tile in plan.tiles_ij if tile not in done]
        finished, total = len(plan.tiles_ij) - len(waiting), len(plan.tiles_ij)
        yield Progress(finished, total)
        for tiles, values in _in_order(_batches(waiting, plan.batch), plan, submit):
            box = _write(pyramid, plan, tiles, values)
            pyramid.mark_done(*(_key(tile) for tile in tiles))
            finished += len(tiles)
            yield Progress(finished, total, box)


# ---- The overlay on disk ----


def _open_overlay(source: SlideSource, plan: RunPlan) -> Pyramid:
    """Open the overlay to go on with it, or create it."""
    if Path(plan.out).is_dir() and not plan.overwrite:
        pyramid = Pyramid.open(plan.out, "r+")
        try:
            _refuse_another(pyramid, plan)
        except StoreError:
            pyramid.close()
            raise
        return pyramid
    Path(plan.out).parent.mkdir(parents=True, exist_ok=True)
    return Pyramid.create(
        plan.out,
        shape=plan.shape,
        dtype=DTYPE,
        axes=("c", "y", "x"),
        chunk_px=_CHUNK_TOKENS,
        pixel_um_yx=plan.pixel_um_yx,
        channel_names=plan.channel_names,
        fill_value=float("nan"),
        reducer="mean",
        provenance=_provenance(source, plan),
        overwrite=plan.overwrite,
    )


def _provenance(source: SlideSource, plan: RunPlan) -> dict[str, Any]:
    with closing(source.open()) as slide:
        return describe(
            slide,
            model=plan.spec.name,
            weights_sha256=plan.weights_sha256,
            parameters=plan.parameters,
        )


def _refuse_another(pyramid: Pyramid, plan: RunPlan) -> None:
    """Raise unless the overlay was made from the same slide, weights and options."""
    stored = pyramid.provenance
    slide = stored.get("slide") or {}
    compared = {
        "slide": (slide.get("fingerprint"), plan.slide_fingerprint),
        "model": (stored.get("model"), plan.spec.name),
        "weights": (stored.get("weights_sha256"), plan.weights_sha256),
    }
    options = stored.get("parameters") or {}
    for key, wanted in plan.parameters.items():
        compared[key] = (options.get(key), wanted)
    differing = [key for key, (had, wanted) in compared.items() if had != wanted]
    if differing:
        had, wanted = compared[differing[0]]
        raise StoreError(
            f"{pyramid.path} was made with another {', '.join(differing)} "
            f"({_short(had)}, this run has {_short(wanted)}); choose another name for "
            f"the overlay, or overwrite it"
        )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _key(tile: Tile) -> str:
    return f"{tile[0]},{tile[1]}"


def _done_tiles(pyramid: Pyramid) -> set[Tile]:
    found = (_MARK.fullmatch(key) for key in pyramid.done_keys())
    return {(int(mark[1]), int(mark[2])) for mark in found if mark}


def _write(
    pyramid: Pyramid, plan: RunPlan, tiles: list[Tile], values: NDArray[np.float16]
) -> Box:
    """Write a batch, chunk by chunk, and return the box that holds all of it."""
    whole = None
    for members in _by_chunk(tiles, plan.tile_tokens):
        box = _around(plan.token_box(*tiles[index]) for index in members)
        data = pyramid.read(box)
        for index in members:
            place = plan.token_box(*tiles[index]).shifted(-box.y, -box.x)
            data[(..., *place.slices)] = values[index]
        pyramid.write(box, data)
        pyramid.refresh(box)
        whole = box if whole is None else whole.union(box)
    assert whole is not None  # a batch is never empty
    return whole


def _by_chunk(tiles: list[Tile], tile_tokens: int) -> list[list[int]]:
    """Group the positions in a batch by the chunk that the tile begins in."""
    groups: dict[Tile, list[int]] = {}
    across = max(_CHUNK_TOKENS // tile_tokens, 1)
    for index, (row, column) in enumerate(tiles):
        groups.setdefault((row // across, column // across), []).append(index)
    return list(groups.values())


def _around(boxes: Iterable[Box]) -> Box:
    first, *others = boxes
    for box in others:
        first = first.union(box)
    return first


# ---- Batches in flight ----


def _batches(tiles: list[Tile], size: int) -> Iterator[list[Tile]]:
    for start in range(0, len(tiles), size):
        yield tiles[start : start + size]


@contextmanager
def _computing(
    source: SlideSource, plan: RunPlan, executor: Executor | None
) -> Iterator[Submit]:
    """Give a function that hands a batch of boxes to whoever computes."""
    from napari_histossl.overlays.attention import AttentionPredictor, compute_batch

    bare = replace(plan, tiles_ij=(), notes=())  # travels with every batch
    if executor is not None:
        given = executor
        yield lambda boxes: given.submit(compute_batch, source, bare, boxes)
        return
    with AttentionPredictor(source, bare) as predictor, ThreadPoolExecutor(1) as own:
        try:
            yield lambda boxes: own.submit(predictor.compute, boxes)
        finally:
            own.shutdown(cancel_futures=True)


def _in_order(
    batches: Iterator[list[Tile]], plan: RunPlan, submit: Submit
) -> Iterator[tuple[list[Tile], NDArray[np.float16]]]:
    """Yield batches with their values; at most two are in flight."""
    flying: deque[tuple[list[Tile], Future[NDArray[np.float16]]]] = deque()
    try:
        for tiles in batches:
            if len(flying) == _IN_FLIGHT:
                oldest, future = flying.popleft()
                yield oldest, future.result()
            flying.append((tiles, submit([plan.tile_box(*tile) for tile in tiles])))
        while flying:
            oldest, future = flying.popleft()
            yield oldest, future.result()
    finally:
        for _, future in flying:
            future.cancel()
