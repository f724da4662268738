"""Paper or published code: the one switch for all that they do differently.

References
----------
Han et al. 2022, "Multi-layer pseudo-supervision for histopathology tissue semantic
segmentation using patch-level classification labels", Medical Image Analysis,
arXiv:2110.08048, and its code, ChuHan89/WSSS-Tissue @f0069720 (no licence: written anew
from its numbers).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from napari_histossl.errors import ModelError

RecipeName = Literal["paper", "published"]
RECIPES: tuple[RecipeName, ...] = get_args(RecipeName)
"""Names that `recipe` takes."""

PSEUDO_LAYERS = ("b4_5", "b5_2", "bn7")
"""Layers of ResNet38d whose Grad-CAM becomes a pseudo-mask, in the order they run."""

LAYER_WEIGHTS = {"b4_5": 0.2, "b5_2": 0.2, "bn7": 0.6}
"""Share of each layer's pseudo-mask in the loss of the segmenter, in both recipes."""

GATE_EPSILON = 0.1
"""Probability above which the classifier lets a class of a picture pass, in both."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Choices in which the paper and the code published with it differ.

    Paper and published code stand in this order below. Where the paper does not say a
    number, it is the one that its formula or the usual definition gives.

    Attributes
    ----------
    name : str
        "paper" or "published".
    mu_decay : float
        (1) What mu is multiplied by after an epoch: 0.985; 0.98.
    attention_from, mu_fixed : int
        (2) First epoch with dropout attention, counted from 0, and epochs before mu
        first decays. The paper hides with mu = 1 for 3 epochs: 0 and 3. The code trains
        3 epochs without attention, and mu decays meanwhile: 3 and 1.
    mu_undershoots : bool
        (2) Whether the last decay may end below the floor of 0.65: no; yes, at 0.6412.
    attention_divisor : int or None
        (3) What the sum of the dropped maps is divided by: None, the number of classes;
        4 whatever that is.
    cam_relu : bool
        (4) Whether Grad-CAM ends with a ReLU: yes; no.
    normalise : {"class", "joint"}
        (5) Least and largest value that maps are scaled by: of each class; of all
        classes together.
    background_logit : bool
        (6) Whether the segmenter's loss sees one more logit than classes, 100 where the
        last layer's pseudo-mask says background and 0 elsewhere, so that every pixel
        competes with a logit of 0; if not, background has no part in the loss: no; yes.
    loss_over_batch : bool
        (7) Whether the mean loss is divided by the number of pictures once more: no;
        yes.
    classifier_momentum, classifier_decay : float
        (8) Momentum and weight decay of the classifier's training: 0.9 and 0.0005; the
        code hands its weight decay over as the momentum, too: 0.0005 and 0.0005.
    gate_on : {"probabilities", "logits"}
        (9) What the gate sets to 0: probabilities, and the others are scaled to a sum
        of 1; logits, so that a gated class wins where all others are below 0.
    head_rate : float
        (10) Learning rate of the last layers as a multiple of the others': 1; 10.
    """

    name: str
    mu_decay: float
    attention_from: int
    mu_fixed: int
    mu_undershoots: bool
    attention_divisor: int | None
    cam_relu: bool
    normalise: Literal["class", "joint"]
    background_logit: bool
    loss_over_batch: bool
    classifier_momentum: float
    classifier_decay: float
    gate_on: Literal["probabilities", "logits"]
    head_rate: float

    def to_json(self) -> dict[str, Any]:
        """Return all choices as plain values, to be recorded with a result."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Recipe:
        """Rebuild a recipe from what `to_json` gave.

        Raises
        ------
        ModelError
            If a choice is missing or unknown.
        """
        names = {field.name for field in fields(cls)}
        if set(said) != names:
            odd = sorted(names ^ set(said))
            raise ModelError(
                f"a recipe says {', '.join(sorted(names))}; missing or unknown: "
                f"{', '.join(odd)}"
            )
        return cls(**said)


_PAPER = Recipe(
    name="paper",
    mu_decay=0.985,
    attention_from=0,
    mu_fixed=3,
    mu_undershoots=False,
    attention_divisor=None,
    cam_relu=True,
    normalise="class",
    background_logit=False,
    loss_over_batch=False,
    classifier_momentum=0.9,
    classifier_decay=5e-4,
    gate_on="probabilities",
    head_rate=1.0,
)

_PUBLISHED = Recipe(
    name="published",
    mu_decay=0.98,
    attention_from=3,
    mu_fixed=1,
    mu_undershoots=True,
    attention_divisor=4,
    cam_relu=False,
    normalise="joint",
    background_logit=True,
    loss_over_batch=True,
    classifier_momentum=5e-4,
    classifier_decay=5e-4,
    gate_on="logits",
    head_rate=10.0,
)


def recipe(name: str) -> Recipe:
    """Return what the paper or the code published with it does.

    The ten differences, see `Recipe` for the numbers: (1) decay of mu; (2) when dropout
    attention and the decay begin, and where it ends; (3) division of the dropped maps
    by the number of classes or by 4; (4) a ReLU after Grad-CAM; (5) scaling of maps
    for each class or for all together; (6) a logit for the background; (7) a second
    division of the loss by the batch; (8) momentum and weight decay of the classifier;
    (9) the gate on probabilities or logits; (10) learning rate of the last layers.

    Parameters
    ----------
    name : {"paper", "published"}
        Whose.

    Returns
    -------
    Recipe
        All choices; change single ones with `dataclasses.replace`.

    Raises
    ------
    ModelError
        If there is no such recipe.

    Examples
    --------
    >>> recipe("paper").mu_decay, recipe("published").mu_decay
    (0.985, 0.98)
    """
    found = {"paper": _PAPER, "published": _PUBLISHED}.get(name)
    if found is None:
        raise ModelError(
            f"there is no recipe {name!r}; choose one of {', '.join(RECIPES)}"
        )
    return found
