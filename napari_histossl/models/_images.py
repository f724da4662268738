"""What every network that reads pictures asks of them."""

from __future__ import annotations

from torch import Tensor

from napari_histossl.errors import ModelError


def check_images(images: Tensor, least_px: int) -> None:
    """Refuse what are no pictures, or too small ones.

    Parameters
    ----------
    images : Tensor
        Should be (B, 3, H, W).
    least_px : int
        Smallest edge that leaves something of a picture inside the network.

    Raises
    ------
    ModelError
        If they are not (B, 3, H, W) or too small.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ModelError(
            f"the model takes pictures of shape (B, 3, H, W); got shape "
            f"{tuple(images.shape)}"
        )
    if min(images.shape[2:]) < least_px:
        raise ModelError(
            f"a picture has at least {least_px} px; got {images.shape[2]} x "
            f"{images.shape[3]} px"
        )
