"""What a classifier says is not in a picture is taken out of its segmentation.

References
----------
Han et al. 2022, arXiv:2110.08048, "classification gate mechanism"; ChuHan89/WSSS-Tissue
@f0069720 (no licence: written anew from the formulas).

Changed: where no class passes, the gate stays open, because a picture without any class
cannot be; the paper's way is written as a softmax over the classes that pass, which is
the same number as dividing by what is left of the sum, and safe where that is nothing.
"""

from __future__ import annotations

from torch import Tensor

from napari_histossl.errors import ModelError
from napari_histossl.models.recipe import GATE_EPSILON, Recipe

__all__ = ["GATE_EPSILON", "gated_logits", "gated_probabilities", "passing"]


def passing(class_probabilities: Tensor, epsilon: float = GATE_EPSILON) -> Tensor:
    """Return which classes of each picture pass the gate.

    Parameters
    ----------
    class_probabilities : Tensor of shape (B, classes)
        Of the classifier, each class for itself, 0 to 1.
    epsilon : float
        Probability above which a class passes, 0 to 1; 0 lets all pass.

    Returns
    -------
    Tensor of shape (B, classes) and dtype bool
        All True for a picture of which no class would pass.

    Raises
    ------
    ModelError
        If `epsilon` is not from 0 to 1.
    """
    if not 0 <= epsilon <= 1:
        raise ModelError(f"epsilon is a probability, from 0 to 1; got {epsilon}")
    passed = class_probabilities > epsilon
    return passed | ~passed.any(1, keepdim=True)


def gated_logits(logits: Tensor, passed: Tensor) -> Tensor:
    """Return logits with those of gated classes at 0, as the published code does.

    Parameters
    ----------
    logits : Tensor of shape (B, classes, H, W)
        Of the segmenter.
    passed : Tensor of shape (B, classes) and dtype bool
        From `passing`.

    Returns
    -------
    Tensor of shape (B, classes, H, W)
        A gated class is largest where all others are below 0.
    """
    return logits * _spread(logits, passed)


def gated_probabilities(
    logits: Tensor,
    class_probabilities: Tensor,
    recipe: Recipe,
    *,
    epsilon: float = GATE_EPSILON,
) -> Tensor:
    """Return the probability of each class at each pixel after the gate.

    Parameters
    ----------
    logits : Tensor of shape (B, classes, H, W)
        Of the segmenter.
    class_probabilities : Tensor of shape (B, classes)
        Of the classifier, each class for itself, 0 to 1.
    recipe : Recipe
        The paper's sets probabilities of gated classes to 0 and the others to a sum of
        1; the published one sets logits to 0.
    epsilon : float
        Probability above which a class passes, 0 to 1.

    Returns
    -------
    Tensor of shape (B, classes, H, W)
        From 0 to 1, a sum of 1 at each pixel.

    Raises
    ------
    ModelError
        If `epsilon` is not from 0 to 1, or there are other classes than logits.
    """
    if class_probabilities.shape != logits.shape[:2]:
        raise ModelError(
            f"the gate has a probability of each picture and class, here "
            f"{tuple(logits.shape[:2])}; got {tuple(class_probabilities.shape)}"
        )
    passed = passing(class_probabilities, epsilon)
    if recipe.gate_on == "logits":
        return gated_logits(logits, passed).softmax(1)
    closed = ~_spread(logits, passed)
    return logits.masked_fill(closed, -float("inf")).softmax(1)


def _spread(logits: Tensor, passed: Tensor) -> Tensor:
    return passed.to(logits.device)[:, :, None, None]
