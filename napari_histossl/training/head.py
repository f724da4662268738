"""DINO's projection head and loss.

References
----------
Caron et al. 2021, arXiv:2104.14294; facebookresearch/dino vision_transformer.py,
main_dino.py (Apache-2.0). Written anew. Changed: two hidden layers of smaller width;
the last layer's rows always have length 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_histossl.training.recipe import DinoRecipe

_STD = 0.02


class DinoHead(nn.Module):
    """Class token to scores of prototypes: MLP, unit length, cosine similarity."""

    def __init__(self, recipe: DinoRecipe) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(recipe.embed_dim, recipe.hidden),
            nn.GELU(),
            nn.Linear(recipe.hidden, recipe.hidden),
            nn.GELU(),
            nn.Linear(recipe.hidden, recipe.bottleneck),
        )
        self.last = nn.Linear(recipe.bottleneck, recipe.prototypes, bias=False)
        for layer in self.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=_STD)
                nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return scores (B, prototypes), each in [-1, 1], from (B, D)."""
        directions = F.normalize(self.mlp(features).float(), dim=-1)
        return F.linear(directions, F.normalize(self.last.weight, dim=-1))


def dino_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Cross entropy between every two different views of a picture.

    Parameters
    ----------
    student : Tensor of shape (views, B, K)
        Log probabilities; the first views are the teacher's, then the local ones.
    teacher : Tensor of shape (global views, B, K)
        Probabilities, without gradient.

    Returns
    -------
    Tensor
        Mean over pictures and pairs.
    """
    pairs = -torch.einsum("gbk,vbk->gv", teacher, student) / student.shape[1]
    same = torch.eye(*pairs.shape, dtype=torch.bool)
    return pairs[~same].mean()


def entropy(probabilities: Tensor) -> float:
    """Mean entropy of the rows in nats; 0 and log K both mean collapse."""
    terms = probabilities * probabilities.clamp(min=1e-9).log()
    return float(-terms.sum(-1).mean())
