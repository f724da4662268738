"""The transformer that the patch ViT and the region ViT share.

References
----------
* Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", arXiv:2010.11929.
* Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers",
  arXiv:2104.14294; facebookresearch/dino vision_transformer.py (Apache-2.0): names of
  the state dict, pre-norm blocks, exact GELU.

Written anew. Changed: all attention runs fused; exact weights are computed only in
the block that is looked at; see `_block`.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_histossl.errors import ModelError
from napari_histossl.models._block import Block

_STD = 0.02
"""Standard deviation of DINO's initial weights."""


class ClassTokenTransformer(nn.Module):
    """A stack of blocks over a class token and a grid of tokens.

    Parameters
    ----------
    embed_dim, depth, num_heads : int
        Length of a token, number of blocks, heads of each.
    qkv_bias : bool
        Whether query, key and value have a bias.
    norm_eps : float
        Epsilon of the layer norms.
    grid : int
        Edge of the square grid that the position embedding was made for.

    Raises
    ------
    ModelError
        If the heads do not divide the length of a token.
    """

    def __init__(
        self,
        *,
        embed_dim: int,
        depth: int,
        num_heads: int,
        qkv_bias: bool,
        norm_eps: float,
        grid: int,
    ) -> None:
        super().__init__()
        if min(embed_dim, depth, num_heads, grid) < 1 or embed_dim % num_heads:
            raise ModelError(
                f"a transformer needs at least one block, head and token, and heads "
                f"that divide its width; got embed_dim={embed_dim}, depth={depth}, "
                f"num_heads={num_heads} and a grid of {grid} x {grid} tokens"
            )
        self.embed_dim, self.num_heads, self.grid = embed_dim, num_heads, grid
        self.cls_token = nn.Parameter(torch.zeros(1, 1, embed_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid * grid, embed_dim))
        self.blocks = nn.ModuleList(
            Block(embed_dim, num_heads, qkv_bias, norm_eps) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(embed_dim, eps=norm_eps)

    # ---- What subclasses give ----

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the tokens of the inputs as a grid, (B, D, rows, columns)."""
        raise NotImplementedError

    # ---- What callers use ----

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the normalised class token, (B, D)."""
        return self.features_and_attention(inputs)[0]

    def tokens(self, inputs: Tensor) -> Tensor:
        """Return all normalised tokens, the class token first, (B, 1 + n, D)."""
        tokens = self._prepare(self.embed(inputs))
        for block in self.blocks:
            tokens = block(tokens)
        normalised: Tensor = self.norm(tokens)
        return normalised

    def attention(self, inputs: Tensor, block: int = -1) -> Tensor:
        """Return the exact attention weights of one block.

        Parameters
        ----------
        inputs : Tensor of shape (B, C, H, W)
            Normalised pictures, or features on a grid.
        block : int
            Which block; negative numbers count from the last.

        Returns
        -------
        Tensor of shape (B, heads, N, N)
            After the softmax: each row sums to 1. Token 0 is the class token, then
            the grid row by row.

        Raises
        ------
        ModelError
            If there is no such block.
        """
        index, tokens = self._up_to(inputs, block)
        blocks: Any = self.blocks
        weights: Tensor = blocks[index].weights(tokens)
        return weights

    def attention_from(self, inputs: Tensor, token: int = 0, block: int = -1) -> Tensor:
        """Return what one token attends to.

        Parameters
        ----------
        inputs : Tensor of shape (B, C, H, W)
            Normalised pictures, or features on a grid.
        token : int
            Whose attention: 0 for the class token, 1 + row * columns + column for a
            token of the grid.
        block : int
            Which block; negative numbers count from the last.

        Returns
        -------
        Tensor of shape (B, heads, 1 + n)
            Row `token` of `attention`, computed without its other rows.

        Raises
        ------
        ModelError
            If there is no such block or token.
        """
        index, tokens = self._up_to(inputs, block)
        blocks: Any = self.blocks
        weights: Tensor = blocks[index].row_weights(tokens, _rows(token, tokens)[-1:])
        return weights[:, :, 0]

    def features_and_attention(
        self, inputs: Tensor, block: int = -1, *, token: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Return `forward` and `attention_from` from one pass.

        Parameters
        ----------
        inputs : Tensor of shape (B, C, H, W)
            Normalised pictures, or features on a grid.
        block : int
            Which block's attention; negative numbers count from the last.
        token : int
            Whose attention, as in `attention_from`.

        Returns
        -------
        features : Tensor of shape (B, D)
            The normalised class token.
        attention : Tensor of shape (B, heads, 1 + n)
            After the softmax; sums to 1. Entry 0 is what goes to the class token, the
            others are the grid, row by row.

        Raises
        ------
        ModelError
            If there is no such block or token.

        Notes
        -----
        Of the last block only the rows that are returned are computed: no other token
        of it is ever seen.
        """
        index, tokens = self._up_to(inputs, block)
        rows = _rows(token, tokens)
        last = len(self.blocks) - 1
        blocks: Any = self.blocks
        if index < last:
            tokens, weights = blocks[index].forward_with_rows(tokens, rows)
            for later in blocks[index + 1 : last]:
                tokens = later(tokens)
            tokens, _ = blocks[last].forward_rows(tokens, [0])
        else:
            tokens, weights = blocks[last].forward_rows(tokens, rows)
        return self.norm(tokens[:, 0]), weights[:, :, -1]

    # ---- Details ----

    def _up_to(self, inputs: Tensor, block: int) -> tuple[int, Tensor]:
        """Return a block's index from the first, and the tokens that come into it."""
        depth = len(self.blocks)
        if not -depth <= block < depth:
            raise ModelError(
                f"the model has blocks 0 to {depth - 1}; got block {block}"
            )
        index = block % depth
        tokens = self._prepare(self.embed(inputs))
        for earlier in self.blocks[:index]:
            tokens = earlier(tokens)
        return index, tokens

    def _prepare(self, grid_tokens: Tensor) -> Tensor:
        """Flatten the grid, put the class token in front, add the positions."""
        batch, _, rows, columns = grid_tokens.shape
        tokens = grid_tokens.flatten(2).transpose(1, 2)  # (B, n, D)
        tokens = torch.cat([self.cls_token.expand(batch, -1, -1), tokens], dim=1)
        return tokens + self.positions(rows, columns)

    def positions(self, rows: int, columns: int) -> Tensor:
        """Return the position embedding for a grid, (1, 1 + rows * columns, D).

        Notes
        -----
        As DINO does it: a tenth is added to the target size, and this scale, not the
        ratio of the sizes, enters the bicubic coordinate map. Published attention
        maps depend on it; resizing to a size gives other numbers.
        """
        if (rows, columns) == (self.grid, self.grid):
            return self.pos_embed
        side, dim = self.grid, self.embed_dim
        grid = self.pos_embed[:, 1:].reshape(1, side, side, dim).permute(0, 3, 1, 2)
        resized = F.interpolate(
            grid,
            scale_factor=((rows + 0.1) / side, (columns + 0.1) / side),
            mode="bicubic",
        )
        flat = resized.flatten(2).transpose(1, 2)  # (1, rows * columns, D)
        return torch.cat([self.pos_embed[:, :1], flat], dim=1)

    def initialise(self) -> None:
        """Draw DINO's initial weights: truncated normal, biases zero."""
        nn.init.trunc_normal_(self.cls_token, std=_STD)
        nn.init.trunc_normal_(self.pos_embed, std=_STD)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=_STD)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def _rows(token: int, tokens: Tensor) -> list[int]:
    """Return the rows to compute: the class token's and, last, the one asked for."""
    count = tokens.shape[1]
    if not 0 <= token < count:
        raise ModelError(
            f"the picture has tokens 0, the class token, to {count - 1}; got token "
            f"{token}"
        )
    return [0, token] if token else [0]
