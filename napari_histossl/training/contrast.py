"""SimCLR's projector and loss.

References
----------
Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual
Representations", arXiv:2002.05709. Written anew.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Projector(nn.Sequential):
    """Features to the space of the loss: two linear layers with a ReLU between.

    Parameters
    ----------
    features, hidden, projection : int
        Width of the features, of the layer between, and of the output.
    """

    def __init__(self, features: int, hidden: int, projection: int) -> None:
        super().__init__(
            nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, projection)
        )


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> tuple[Tensor, float]:
    """Tell each view's partner from all other views of the batch.

    Parameters
    ----------
    first, second : Tensor of shape (B, D)
        Projections of the two views of each picture; only their direction counts.
    temperature : float
        Of the softmax over the cosine similarities.

    Returns
    -------
    loss : Tensor
        Normalised temperature-scaled cross entropy, mean over the 2 B views. Guessing
        gives ``log(2 B - 1)``.
    found : float
        Share of the views whose partner is the most similar of all, 0 to 1.
    """
    count = len(first)
    directions = F.normalize(torch.cat([first, second]).float(), dim=1)
    similar = directions @ directions.T / temperature  # (2 B, 2 B)
    itself = torch.eye(2 * count, dtype=torch.bool, device=similar.device)
    similar = similar.masked_fill(itself, -torch.inf)
    places = torch.arange(count, device=similar.device)
    partners = torch.cat([places + count, places])
    loss = F.cross_entropy(similar, partners)
    return loss, float((similar.argmax(1) == partners).float().mean())
