"""What a model says about the patches of a slide: vectors, places, and who said it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import StoreError


@dataclass(frozen=True, slots=True)
class EmbeddingsHeader:
    """All about embeddings but the numbers.

    Attributes
    ----------
    slide_name, slide_fingerprint : str
        The slide; the fingerprint may be empty for what others computed.
    slide_shape : tuple of int
        Height and width of the slide in level-0 pixels.
    mpp_yx : tuple of float or None
        Micrometres per level-0 pixel.
    patch_px0 : float
        Edge of a patch in level-0 pixels.
    model : str
        Name of the model.
    weights_sha256 : str
        Hash of its weights; empty where it is not known.
    provenance : mapping
        How they came about; JSON values.
    """

    slide_name: str
    slide_fingerprint: str
    slide_shape: tuple[int, int]
    mpp_yx: tuple[float, float] | None
    patch_px0: float
    model: str
    weights_sha256: str
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (0 < self.patch_px0 < np.inf and self.model and self.slide_name):
            raise StoreError(
                f"embeddings have a slide, a model, and patches larger than 0 px; got "
                f"slide {self.slide_name!r}, model {self.model!r}, {self.patch_px0} px"
            )

    @property
    def identity(self) -> tuple[str, str]:
        """Model and weights: embeddings are compared where these are the same."""
        return self.model, self.weights_sha256

    def to_json(self) -> dict[str, Any]:
        """Return the header as plain values."""
        return {
            "slide_name": self.slide_name,
            "slide_fingerprint": self.slide_fingerprint,
            "slide_shape": list(self.slide_shape),
            "mpp_yx": None if self.mpp_yx is None else list(self.mpp_yx),
            "patch_px0": self.patch_px0,
            "model": self.model,
            "weights_sha256": self.weights_sha256,
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_json(cls, said: Any) -> EmbeddingsHeader:
        """Rebuild a header from what `to_json` gave.

        Raises
        ------
        StoreError
            If something is missing or of another kind.
        """
        try:
            mpp = said["mpp_yx"]
            height, width = said["slide_shape"]
            return cls(
                str(said["slide_name"]),
                str(said["slide_fingerprint"]),
                (int(height), int(width)),
                None if mpp is None else (float(mpp[0]), float(mpp[1])),
                float(said["patch_px0"]),
                str(said["model"]),
                str(said["weights_sha256"]),
                dict(said["provenance"]),
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise StoreError(
                f"embeddings say what they are in a header with slide, model and "
                f"patch; got {str(said)[:80]!r} ({error})"
            ) from error


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors of patches in memory.

    Attributes
    ----------
    header : EmbeddingsHeader
        Slide, model, patch.
    features : ndarray of shape (N, D) and dtype float32
        Finite numbers, at least one row.
    positions_px0 : ndarray of shape (N, 2) and dtype int64
        Upper left corner of each patch, (row, column) in level-0 pixels.
    """

    header: EmbeddingsHeader
    features: NDArray[np.float32]
    positions_px0: NDArray[np.int64]

    def __post_init__(self) -> None:
        shape, places = self.features.shape, self.positions_px0.shape
        name = self.header.slide_name
        if len(shape) != 2 or 0 in shape or places != (shape[0], 2):
            raise StoreError(
                f"embeddings of {name} are (N, D), with (N, 2) positions and N of at "
                f"least 1; got {shape} and {places}"
            )
        broken = int(np.count_nonzero(~np.isfinite(self.features).all(1)))
        if broken:
            raise StoreError(
                f"embeddings of {name}: {broken} of {shape[0]} are not finite; compute "
                f"them again, with other weights if that happens again"
            )

    def __len__(self) -> int:
        return len(self.features)

    @property
    def centres_px0(self) -> NDArray[np.float64]:
        """Middle of each patch, (N, 2), (row, column) in level-0 pixels."""
        return self.positions_px0.astype(np.float64) + self.header.patch_px0 / 2
