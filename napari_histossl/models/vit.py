"""Vision Transformer of DINO and of HIPT's patch model.

References
----------
* Caron et al. 2021, arXiv:2104.14294; facebookresearch/dino vision_transformer.py
  (Apache-2.0).
* Chen & Krishnan 2022, "Self-Supervised Vision Transformers Learn Visual Concepts in
  Histopathology", arXiv:2203.00585; Chen et al. 2022, HIPT, arXiv:2206.02647:
  mahmoodlab/HIPT HIPT_4K/vision_transformer.py @780fafae (Apache-2.0 with Commons
  Clause): state-dict names and shapes.

Written anew from those names, shapes and formulas. Changed: no dropout, no stochastic
depth; see `_transformer` and `_block`.
"""

from __future__ import annotations

from torch import Tensor, nn

from napari_histossl.errors import ModelError
from napari_histossl.models._transformer import ClassTokenTransformer


class PatchEmbed(nn.Module):
    """Square patches of a picture as tokens."""

    def __init__(self, patch_size: int, embed_dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, embed_dim, patch_size, stride=patch_size)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, D, H // patch, W // patch) from (B, 3, H, W)."""
        tokens: Tensor = self.proj(images)
        return tokens


class VisionTransformer(ClassTokenTransformer):
    """Pictures of any size to a class token and attention weights.

    Parameters
    ----------
    img_size : int
        Edge of the pictures that the position embedding was made for, in pixels.
    patch_size : int
        Edge of a token in pixels.
    embed_dim, depth, num_heads : int
        Length of a token, number of blocks, heads of each.
    qkv_bias : bool
        Whether query, key and value have a bias.
    norm_eps : float
        Epsilon of the layer norms.

    Raises
    ------
    ModelError
        If the sizes do not make a model.
    """

    def __init__(
        self,
        *,
        img_size: int = 224,
        patch_size: int = 16,
        embed_dim: int = 384,
        depth: int = 12,
        num_heads: int = 6,
        qkv_bias: bool = True,
        norm_eps: float = 1e-6,
    ) -> None:
        if patch_size < 1:
            raise ModelError(f"a patch has at least 1 px; got patch_size={patch_size}")
        super().__init__(
            embed_dim=embed_dim,
            depth=depth,
            num_heads=num_heads,
            qkv_bias=qkv_bias,
            norm_eps=norm_eps,
            grid=img_size // patch_size,
        )
        self.patch_size = patch_size
        self.patch_embed = PatchEmbed(patch_size, embed_dim)
        self.initialise()

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the patches of the pictures, (B, D, rows, columns).

        Raises
        ------
        ModelError
            If the pictures are not (B, 3, H, W) with at least one patch.
        """
        if inputs.ndim != 4 or inputs.shape[1] != 3:
            raise ModelError(
                f"the model takes pictures of shape (B, 3, H, W); got shape "
                f"{tuple(inputs.shape)}"
            )
        if min(inputs.shape[2:]) < self.patch_size:
            raise ModelError(
                f"a picture has at least one patch of {self.patch_size} px; got "
                f"{inputs.shape[2]} x {inputs.shape[3]} px"
            )
        tokens: Tensor = self.patch_embed(inputs)
        return tokens
