"""One block of a transformer: attention and an MLP, each after a norm.

References
----------
Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929;
facebookresearch/dino vision_transformer.py (Apache-2.0): names of the state dict.

Written anew. Changed: attention runs fused; exact weights are computed where they are
asked for, and only for the tokens whose row is shown.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head self-attention.

    Parameters
    ----------
    dim : int
        Length of a token.
    num_heads : int
        Number of heads; divides `dim`.
    qkv_bias : bool
        Whether query, key and value have a bias.
    """

    def __init__(self, dim: int, num_heads: int, qkv_bias: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (B, N, D) from (B, N, D), fused."""
        query, key, value = self._heads(tokens)  # each (B, heads, N, D / heads)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self._join(mixed)

    def weights(self, tokens: Tensor) -> Tensor:
        """Return the softmax weights, (B, heads, N, N)."""
        query, key, _ = self._heads(tokens)
        return self._softmax(query, key)

    def row_weights(self, tokens: Tensor, rows: list[int]) -> Tensor:
        """Return what some tokens attend to, (B, heads, rows, N)."""
        query, key = self._project(tokens[:, rows], 0), self._project(tokens, 1)
        return self._softmax(query, key)

    def forward_with_rows(
        self, tokens: Tensor, rows: list[int]
    ) -> tuple[Tensor, Tensor]:
        """Return the output (B, N, D), fused, and some tokens' weights."""
        query, key, value = self._heads(tokens)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self._join(mixed), self._softmax(query[:, :, rows], key)

    def forward_rows(self, tokens: Tensor, rows: list[int]) -> tuple[Tensor, Tensor]:
        """Return the output of some tokens alone (B, rows, D), and their weights."""
        weights = self.row_weights(tokens, rows)
        return self._join(weights @ self._project(tokens, 2)), weights

    def _heads(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, count, dim = tokens.shape
        shape = (batch, count, 3, self.num_heads, dim // self.num_heads)
        query, key, value = self.qkv(tokens).reshape(shape).permute(2, 0, 3, 1, 4)
        return query, key, value

    def _project(self, tokens: Tensor, part: int) -> Tensor:
        """Query (0), key (1) or value (2) alone, (B, heads, N, D / heads)."""
        batch, count, dim = tokens.shape
        rows = slice(part * dim, (part + 1) * dim)
        bias = None if self.qkv.bias is None else self.qkv.bias[rows]
        projected = F.linear(tokens, self.qkv.weight[rows], bias)
        shape = (batch, count, self.num_heads, dim // self.num_heads)
        return projected.reshape(shape).transpose(1, 2)

    def _softmax(self, query: Tensor, key: Tensor) -> Tensor:
        logits: Tensor = query @ key.transpose(-2, -1) * self.scale
        return logits.softmax(dim=-1)

    def _join(self, mixed: Tensor) -> Tensor:
        batch, _, count, _ = mixed.shape
        joined: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, count, -1))
        return joined


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between them."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (B, N, D) from (B, N, D)."""
        mixed: Tensor = self.fc2(self.act(self.fc1(tokens)))
        return mixed


class Block(nn.Module):
    """Attention and MLP, each after a norm and added to what came in."""

    def __init__(
        self, dim: int, num_heads: int, qkv_bias: bool, norm_eps: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.attn = Attention(dim, num_heads, qkv_bias)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = Mlp(dim, 4 * dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (B, N, D) from (B, N, D)."""
        return self._mix(tokens + self.attn(self.norm1(tokens)))

    def weights(self, tokens: Tensor) -> Tensor:
        """Return the attention weights (B, heads, N, N)."""
        return self.attn.weights(self.norm1(tokens))

    def row_weights(self, tokens: Tensor, rows: list[int]) -> Tensor:
        """Return what some tokens attend to, (B, heads, rows, N)."""
        return self.attn.row_weights(self.norm1(tokens), rows)

    def forward_with_rows(
        self, tokens: Tensor, rows: list[int]
    ) -> tuple[Tensor, Tensor]:
        """Return all tokens (B, N, D) and the weights (B, heads, rows, N) of some."""
        attended, weights = self.attn.forward_with_rows(self.norm1(tokens), rows)
        return self._mix(tokens + attended), weights

    def forward_rows(self, tokens: Tensor, rows: list[int]) -> tuple[Tensor, Tensor]:
        """Return some tokens (B, rows, D) and their weights (B, heads, rows, N)."""
        attended, weights = self.attn.forward_rows(self.norm1(tokens), rows)
        return self._mix(tokens[:, rows] + attended), weights

    def _mix(self, tokens: Tensor) -> Tensor:
        mixed: Tensor = tokens + self.mlp(self.norm2(tokens))
        return mixed
