"""A thresholded head as labels at the resolution of a mask: where correcting starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays.lookup import Lookup
from napari_histossl.overlays.threshold import quantile_of, threshold_overlay
from napari_histossl.store import Pyramid


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """Labels of any box of a mask, read from an overlay when they are asked for.

    Make one with `from_overlay`.

    Attributes
    ----------
    overlay : Pyramid
        Where the attention is.
    channel : int
        Which head.
    threshold : float
        Least value that counts, relative to uniform attention.
    class_index : int
        Label of what is at or above it; the rest is 0, unlabelled.
    shape : tuple of int
        Height and width of the mask in pixels.
    ratio_yx : tuple of float
        Pixels of the mask per pixel of the overlay.
    """

    overlay: Pyramid
    channel: int
    threshold: float
    class_index: int
    shape: tuple[int, int]
    ratio_yx: tuple[float, float]

    @classmethod
    def from_overlay(
        cls,
        overlay: Pyramid,
        channel: int,
        *,
        shape: tuple[int, int],
        mpp_yx: tuple[float, float],
        threshold: float | None = None,
        quantile: float | None = None,
        class_index: int = 1,
    ) -> Proposal:
        """Choose the head and where to cut.

        Parameters
        ----------
        overlay : Pyramid
            Made by an attention run on the same slide.
        channel : int
            Which head.
        shape : tuple of int
            Height and width of the mask in pixels.
        mpp_yx : tuple of float
            Micrometres per pixel of the mask.
        threshold : float, optional
            Least value, relative to uniform attention.
        quantile : float, optional
            In its place: share of the computed tokens that is left out, 0 to 1.
        class_index : int, optional
            Label to give, 1 to 255.

        Returns
        -------
        Proposal
            Gives labels by box.

        Raises
        ------
        PlanError
            If the overlay has no scale or no such channel, or not exactly one of
            threshold and quantile is given.
        """
        if overlay.pixel_um_yx is None:
            raise PlanError(
                f"{overlay.path} does not say how large its pixels are, so it cannot "
                f"be laid on a mask; run the attention with a scale"
            )
        if (threshold is None) == (quantile is None) or not 1 <= class_index <= 255:
            raise PlanError(
                f"a proposal needs either a threshold or a quantile, and a class from "
                f"1 to 255; got threshold {threshold}, quantile {quantile}, class "
                f"{class_index}"
            )
        if threshold is None:
            assert quantile is not None
            threshold = quantile_of(overlay, channel, quantile)
        token_y, token_x = overlay.pixel_um_yx
        ratio_yx = token_y / mpp_yx[0], token_x / mpp_yx[1]
        return cls(overlay, channel, threshold, class_index, shape, ratio_yx)

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Return the labels of a box.

        Parameters
        ----------
        box : Box
            Rectangle in pixels of the mask at a level.
        level : int, optional
            Level of the mask; level k has pixels 2**k times as large.

        Returns
        -------
        ndarray of shape (height, width) and dtype uint8
            `class_index` where the head attends, else 0. Each token is a rectangle:
            nothing is smoothed.
        """
        under = Lookup.of(
            box, (self.ratio_yx[0] / 2**level, self.ratio_yx[1] / 2**level)
        )
        attended = threshold_overlay(
            self.overlay, self.channel, threshold=self.threshold, box=under.around
        )
        labelled: NDArray[np.uint8] = under.spread(attended).astype(
            np.uint8
        ) * np.uint8(self.class_index)
        return labelled

    @property
    def facts(self) -> dict[str, Any]:
        """Where the labels come from, for the provenance of a mask; JSON values."""
        return {
            "overlay": self.overlay.path.name,
            "channel": self.channel,
            "threshold": self.threshold,
            "class_index": self.class_index,
            "made_with": self.overlay.provenance,
        }
