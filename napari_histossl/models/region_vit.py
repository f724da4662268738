"""HIPT's region model: a transformer over a grid of patch features.

References
----------
Chen et al. 2022, "Scaling Vision Transformers to Gigapixel Images via Hierarchical
Self-Supervised Learning", arXiv:2206.02647; mahmoodlab/HIPT
HIPT_4K/vision_transformer4k.py @780fafae (Apache-2.0 with Commons Clause):
state-dict names and shapes.

Written anew from those names, shapes and formulas. Changed: see `_transformer` and
`_block`.
"""

from __future__ import annotations

from torch import Tensor, nn

from napari_histossl.errors import ModelError
from napari_histossl.models._transformer import ClassTokenTransformer

_POSITIONS_PX = 16
"""The published position embedding has ``img_size // 16`` rows: 14 for 224."""


class RegionViT(ClassTokenTransformer):
    """Features on a grid to a class token and attention weights.

    Parameters
    ----------
    img_size : int
        Fixes the grid of the position embedding: ``img_size // 16`` tokens a side.
    input_embed_dim, output_embed_dim : int
        Length of an incoming feature and of a token.
    depth, num_heads : int
        Number of blocks, heads of each.
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
        input_embed_dim: int = 384,
        output_embed_dim: int = 192,
        depth: int = 6,
        num_heads: int = 6,
        qkv_bias: bool = True,
        norm_eps: float = 1e-6,
    ) -> None:
        super().__init__(
            embed_dim=output_embed_dim,
            depth=depth,
            num_heads=num_heads,
            qkv_bias=qkv_bias,
            norm_eps=norm_eps,
            grid=img_size // _POSITIONS_PX,
        )
        self.input_embed_dim = input_embed_dim
        self.phi = nn.Sequential(
            nn.Linear(input_embed_dim, output_embed_dim), nn.GELU()
        )
        self.initialise()

    def embed(self, inputs: Tensor) -> Tensor:
        """Return the projected features, (B, D, rows, columns).

        Raises
        ------
        ModelError
            If the features are not (B, `input_embed_dim`, rows, columns).
        """
        if inputs.ndim != 4 or inputs.shape[1] != self.input_embed_dim:
            raise ModelError(
                f"the region model takes features of shape "
                f"(B, {self.input_embed_dim}, rows, columns); got shape "
                f"{tuple(inputs.shape)}"
            )
        projected: Tensor = self.phi(inputs.movedim(1, -1))  # (B, rows, columns, D)
        return projected.movedim(-1, 1)
