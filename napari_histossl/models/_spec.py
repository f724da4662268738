"""What must be known to run a model on a slide; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from napari_histossl.classes import ClassTable
from napari_histossl.errors import ModelError

Task = Literal["features", "classifier", "segmenter"]
"""What a model gives: numbers to compare pictures by, classes of a picture, classes of
each pixel."""

_FIRST_BOTTLENECK = 50
"""Residual networks from this depth on have bottlenecks, four times as wide outside."""

HALF = (0.5, 0.5, 0.5)
"""Mean and deviation, in [0, 1], with which HIPT's published models are run."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of RGB in [0, 1]; what models trained on ImageNet expect."""

UNCHANGED_MEAN = (0.0, 0.0, 0.0)
UNCHANGED_STD = (1.0, 1.0, 1.0)
"""For models that read RGB in [0, 1] as it is."""

_GIVES = {
    "features": "features of a tile",
    "classifier": "the classes of a tile",
    "segmenter": "the class of each pixel",
}


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What must be known to run a model on a slide.

    Attributes
    ----------
    name : str
        Registered name.
    title : str
        One line for people.
    builder : str
        ``module:class`` inside ``napari_histossl.models``.
    config : mapping of str to number
        Options of the class.
    token_px : int
        Edge of a token in pixels of the level that is read.
    tile_px : int
        Edge of the square that the model sees at once, in the same pixels.
    mpp : float or None
        Micrometres per pixel of the pictures the weights were trained on; None where
        an architecture without weights has no scale of its own.
    mean, std : tuple of float
        Normalisation of RGB in [0, 1]: ``(value - mean) / std``.
    reads_pixels : bool
        False for a model that reads features of another one.
    has_attention : bool
        False for a model without tokens and heads.
    task : {"features", "classifier", "segmenter"}
        What ``model(images)`` gives.
    classes : ClassTable or None
        Of a classifier or segmenter whose file says them, in the order of its logits;
        their indices are values in masks, not places among the logits.
    recipe : str
        Whose numbers the weights were trained with, and are to be run with: "paper",
        "published", or empty.
    """

    name: str
    title: str
    builder: str
    config: Mapping[str, Any] = field(default_factory=dict)
    token_px: int = 16
    tile_px: int = 256
    mpp: float | None = None
    mean: tuple[float, float, float] = HALF
    std: tuple[float, float, float] = HALF
    reads_pixels: bool = True
    has_attention: bool = True
    task: Task = "features"
    classes: ClassTable | None = None
    recipe: str = ""

    def __hash__(self) -> int:
        options = tuple(sorted(self.config.items()))
        scale = (self.tile_px, self.mpp, self.mean, self.std)
        return hash((self.name, options, scale, self.classes, self.recipe))

    @property
    def gives(self) -> str:
        """What ``model(images)`` gives, in words."""
        return _GIVES[self.task]

    @property
    def n_classes(self) -> int:
        """Number of logits of a classifier or segmenter; 0 of a model of features."""
        return int(self.config.get("n_classes", 0))

    @property
    def tokens(self) -> int:
        """Number of patch tokens of one tile; the class token comes on top."""
        self.need_attention()
        return (self.tile_px // self.token_px) ** 2

    @property
    def heads(self) -> int:
        """Number of attention heads of a block."""
        self.need_attention()
        return int(self.config["num_heads"])

    @property
    def feature_dim(self) -> int:
        """Length of the feature of one tile.

        Raises
        ------
        ModelError
            If it is a classifier or segmenter.
        """
        config = self.config
        self.need_task("features")
        if not self.has_attention:
            expansion = 4 if config["depth"] >= _FIRST_BOTTLENECK else 1
            return int(config["width"] * expansion * 2 ** (config["stages"] - 1))
        return int(config.get("embed_dim", config.get("output_embed_dim", 0)))

    def need_task(self, task: Task) -> None:
        """Refuse a model that is for something else.

        Raises
        ------
        ModelError
            If `task` is another one.
        """
        if self.task != task:
            raise ModelError(
                f"the model {self.name} gives {self.gives}; needed is a model "
                f"that gives {_GIVES[task]}"
            )

    def need_attention(self) -> None:
        """Refuse a model that has no attention.

        Raises
        ------
        ModelError
            If `has_attention` is False.
        """
        if not self.has_attention:
            raise ModelError(
                f"the model {self.name} is a residual network: it gives "
                f"{self.gives}, but has no tokens and no attention heads; "
                f"choose a vision transformer to see attention"
            )
