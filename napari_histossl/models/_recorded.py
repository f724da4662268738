"""One forward pass of a classifier with the maps of some of its layers kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from napari_histossl.errors import ModelError

_SHOWN = 8
"""Names of layers in a sentence."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a forward pass left behind, ready to be differentiated.

    Attributes
    ----------
    logits : Tensor of shape (B, classes)
        What the model gave.
    maps : dict of str to Tensor of shape (B, C, h, w)
        Output of each layer.
    size_px : tuple of int
        Height and width of the pictures.
    """

    logits: Tensor
    maps: dict[str, Tensor]
    size_px: tuple[int, int]


def record_layers(model: nn.Module, images: Tensor, layers: Sequence[str]) -> Recorded:
    """Run a model forward and keep the maps of layers.

    Parameters
    ----------
    model : torch.nn.Module
        A classifier in evaluation mode; nothing in it is changed, and no gradient is
        left in it.
    images : Tensor of shape (B, 3, H, W)
        As the model reads them.
    layers : sequence of str
        Names of modules, as in ``model.named_modules()``.

    Returns
    -------
    Recorded
        With a graph that begins at the first of the layers: neither what lies before
        it nor the gradients of weights cost time or memory.

    Raises
    ------
    ModelError
        If the model is in training mode (where pictures of a batch depend on one
        another), a layer is unknown, does not run, or gives no map.

    Notes
    -----
    Where the next layer changes a map in place, as a ReLU does, the changed map is the
    one that is kept.
    """
    if model.training:
        raise ModelError(
            "class activation is of a model in evaluation mode; call model.eval() first"
        )
    maps: dict[str, Tensor] = {}
    values = {name: value.detach() for name, value in model.named_parameters()}
    with torch.inference_mode(False), torch.enable_grad(), _kept(model, layers, maps):
        plain = images.clone() if images.is_inference() else images.detach()
        logits = torch.func.functional_call(model, values, (plain,))
    silent = [layer for layer in layers if layer not in maps]
    if silent:
        raise ModelError(f"the layer {silent[0]!r} does not run when the model does")
    kept = {layer: maps[layer] for layer in layers}  # they ran in another order
    return Recorded(logits, kept, (images.shape[2], images.shape[3]))


@contextmanager
def _kept(
    model: nn.Module, layers: Sequence[str], maps: dict[str, Tensor]
) -> Iterator[None]:
    """Keep the outputs of layers in `maps` while it lasts."""
    with ExitStack() as hooks:
        for layer in layers:
            hook = _layer(model, layer).register_forward_hook(_keep(layer, maps))
            hooks.callback(hook.remove)
        yield


def _layer(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError as error:
        known = [known for known, _ in model.named_children()]
        more = ", ..." if len(known) > _SHOWN else ""
        raise ModelError(
            f"{type(model).__name__} has no layer {name!r}; it has "
            f"{', '.join(known[-_SHOWN:])}{more} and layers inside of them"
        ) from error


def _keep(layer: str, maps: dict[str, Tensor]) -> Callable[..., Tensor]:
    def hook(_module: nn.Module, _inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.ndim != 4:
            got = tuple(output.shape) if isinstance(output, Tensor) else type(output)
            raise ModelError(
                f"the layer {layer!r} gives no map (B, C, h, w); got {got}"
            )
        if not output.requires_grad:  # nothing before it is asked for
            # a copy: what follows may write into it, which a leaf does not allow
            output = output.detach().requires_grad_().clone()
        kept: Tensor = output
        maps[layer] = kept
        return kept

    return hook
