"""Progressive dropout attention: hide what the classifier already looks at.

A classifier that is trained on labels of whole pictures looks at the most telling part
of a tissue and leaves out the rest. Where its class activation is near the strongest of
the picture it is set to 0, and the features are multiplied by what is left, so that the
other parts must carry the class.

References
----------
Han et al. 2022, "Multi-layer pseudo-supervision for histopathology tissue semantic
segmentation using patch-level classification labels", Medical Image Analysis,
arXiv:2110.08048; ChuHan89/WSSS-Tissue tool/ADL_module.py @f0069720 (no licence:
written anew from the formulas, nothing copied). Changed: the number that the sum over
classes is divided by can be chosen; the published code divides by 4, however many there
are.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from napari_histossl.errors import ModelError
from napari_histossl.models.cam import cams_of
from napari_histossl.models.recipe import Recipe

PUBLISHED_DIVISOR = 4
"""What the published code divides the sum of the classes by: its own number of them."""


def drop_strongest(cams: Tensor, mu: float) -> Tensor:
    """Return class activations with their strongest parts set to 0.

    Parameters
    ----------
    cams : Tensor of shape (B, classes, h, w)
        Class activation maps, at least 0 (after a ReLU).
    mu : float
        From 0 to 1: of each map of each picture what is above ``mu`` times its maximum
        is dropped. 1 drops nothing.

    Returns
    -------
    Tensor of shape (B, classes, h, w)
        In the range of `cams`.

    Raises
    ------
    ModelError
        If `mu` is not from 0 to 1.
    """
    if not 0 <= mu <= 1:
        raise ModelError(f"mu is a share of the maximum, from 0 to 1; got {mu}")
    cut_off = mu * cams.amax((2, 3), keepdim=True)  # (B, classes, 1, 1)
    return cams.masked_fill(cams > cut_off, 0)


def dropout_attention(
    features: Tensor,
    class_weights: Tensor,
    mu: float,
    *,
    divisor: float | None = PUBLISHED_DIVISOR,
) -> Tensor:
    """Return what the features are multiplied by.

    Parameters
    ----------
    features : Tensor of shape (B, C, h, w)
        The last map before averaging.
    class_weights : Tensor of shape (classes, C)
        Of the classifier.
    mu : float
        From 0 to 1, see `drop_strongest`.
    divisor : float, optional
        What the sum over classes is divided by: 4 as published; None is the number of
        classes, the mean that the paper describes.

    Returns
    -------
    Tensor of shape (B, 1, h, w)
        At least 0, and not scaled: it is no identity even at ``mu=1``, where it is the
        mean class activation. Gradients flow through it.

    Raises
    ------
    ModelError
        If `mu` is not from 0 to 1 or the divisor not above 0.
    """
    by = len(class_weights) if divisor is None else divisor
    if by <= 0:
        raise ModelError(f"the sum over classes is divided by more than 0; got {by}")
    dropped = drop_strongest(cams_of(features, class_weights).relu(), mu)
    return dropped.sum(1, keepdim=True) / by


@dataclass(frozen=True, slots=True)
class DropoutSchedule:
    """How mu falls from epoch to epoch, so that ever more is hidden.

    Attributes
    ----------
    decay : float
        What mu is multiplied by after an epoch.
    attention_from : int
        First epoch with attention, counted from 0.
    fixed : int
        Epochs at the start value, at least 1; from then on each has its own.
    floor : float
        Where the decay ends.
    undershoots : bool
        Whether the last decay may end below the floor: a value above it is multiplied
        whatever comes out, as in the published code.
    start : float
        Mu of the first epochs.

    Notes
    -----
    Neither published length of training (20 epochs) reaches the floor: the paper's
    schedule does in epoch 31, the code's in epoch 22.
    """

    decay: float
    attention_from: int = 0
    fixed: int = 3
    floor: float = 0.65
    undershoots: bool = False
    start: float = 1.0

    @classmethod
    def of(cls, recipe: Recipe) -> DropoutSchedule:
        """Return the schedule of a recipe."""
        return cls(
            decay=recipe.mu_decay,
            attention_from=recipe.attention_from,
            fixed=recipe.mu_fixed,
            undershoots=recipe.mu_undershoots,
        )

    def mu(self, epoch: int) -> float | None:
        """Return mu of an epoch, counted from 0; None where there is no attention."""
        if epoch < self.attention_from:
            return None
        mu = self.start
        for _ in range(self.fixed, epoch + 1):
            if mu <= self.floor:
                break
            mu *= self.decay
        return mu if self.undershoots else max(mu, min(self.floor, self.start))
