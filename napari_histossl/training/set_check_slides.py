"""One slide of a set and its mask, with what is wrong with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.slide.labels import RedLabels
from napari_histossl.store import Pyramid
from napari_histossl.training.masked_slides import MaskedSlide, SlideSet
from napari_histossl.training.slide_sets import refuse_other_size

_STRIPE_PX = 1 << 24
"""Pixels of a mask that are looked at together."""


def check_slide(
    one: MaskedSlide, slides: SlideSet, problems: list[str]
) -> NDArray[np.int64]:
    """Look at a slide and every pixel of its mask.

    Parameters
    ----------
    one : MaskedSlide
        The slide.
    slides : SlideSet
        The set that it is in.
    problems : list of str
        Receives what is wrong.

    Returns
    -------
    ndarray of shape (n,) and dtype int64
        1 for each class that its mask shows.
    """
    held = np.zeros(len(slides.classes), np.int64)
    try:
        with one.source.open() as slide:
            slide.require_mpp()
            shape = slide.levels[0].shape
        if one.mask is None:
            problems.append(
                f"{one.source.path} has no mask; it can be looked at, not learned from"
            )
            return held
        refuse_other_size(one, shape)
        with one.mask.open() as labels:
            counts = _count(labels)
    except HistoSSLError as error:
        problems.append(str(error))
        return held
    problems += _odd_values(one, slides, counts)
    for value, meaning in slides.values.items():
        held[meaning] = counts[value] > 0
    return held


def _count(labels: RedLabels | Pyramid) -> NDArray[np.int64]:
    """Return how often each value is in the finest level."""
    height, width = labels.levels[0].shape
    rows = max(_STRIPE_PX // width, 1)
    counts = np.zeros(256, np.int64)
    for y in range(0, height, rows):
        stripe = labels.read(Box(y, 0, min(rows, height - y), width), 0)
        counts += np.bincount(stripe.ravel(), minlength=256)
    return counts


def _odd_values(
    one: MaskedSlide, slides: SlideSet, counts: NDArray[np.int64]
) -> list[str]:
    assert one.mask is not None
    problems = []
    odd = [
        value for value in np.flatnonzero(counts).tolist() if value not in slides.known
    ]
    if odd:
        problems.append(
            f"{one.mask.path} holds the value {odd[0]} in {counts[odd[0]]:,} px, which "
            f"is no class; expected {', '.join(map(str, sorted(slides.known)))}"
        )
    if not any(counts[value] for value in slides.values):
        problems.append(f"{one.mask.path} labels nothing; all of it is excluded")
    return problems
