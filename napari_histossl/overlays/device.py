"""On what a model computes: device, precision, and what to do when memory runs out."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from napari_histossl.errors import PlanError

DEVICES = ("auto", "cpu", "cuda", "mps")
"""What a person can ask for; "auto" takes a GPU where there is one."""


def choose_device(wanted: str = "auto") -> torch.device:
    """Return the device to compute on.

    Parameters
    ----------
    wanted : {"auto", "cpu", "cuda", "mps"}
        What is asked for.

    Raises
    ------
    PlanError
        If a GPU is asked for and there is none.
    """
    if wanted not in DEVICES:
        raise PlanError(f"there is no device {wanted!r}; choose {', '.join(DEVICES)}")
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return torch.device(next(name for name, is_there in there.items() if is_there))
    if not there[wanted]:
        raise PlanError(
            f"a GPU was asked for ({wanted}) and PyTorch finds none here; choose the "
            f"device cpu or auto, or install a PyTorch that fits the driver"
        )
    return torch.device(wanted)


def describe_device(device: torch.device) -> str:
    """Return a device in words for people.

    Examples
    --------
    >>> describe_device(torch.device("cpu")).startswith("CPU, ")
    True
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    return device.type


def half_precision(device: torch.device, precision: str) -> torch.autocast:
    """Return a context in which a model computes in half precision where that is safe.

    Parameters
    ----------
    device : torch.device
        Half precision is for GPUs; on others nothing changes.
    precision : {"auto", "full"}
        "full" changes nothing.

    Notes
    -----
    PyTorch keeps softmax and norms in single precision.
    """
    is_used = precision == "auto" and device.type == "cuda"
    kind = device.type if device.type == "cuda" else "cpu"
    return torch.autocast(kind, dtype=torch.float16, enabled=is_used)


class Halving:
    """Call a function on a batch, in halves where memory does not suffice.

    Parameters
    ----------
    function : callable
        Takes a Tensor of shape (N, ...) and returns one with N rows.

    Attributes
    ----------
    limit : int or None
        Rows that fit at once, once memory has run out.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        self._function = function
        self.limit: int | None = None

    def __call__(self, batch: Tensor) -> Tensor:
        """Return the function of a batch.

        Raises
        ------
        PlanError
            If not even one row fits.
        """
        results: list[Tensor] = []
        start = 0
        while start < len(batch):
            count = min(self.limit or len(batch), len(batch) - start)
            try:
                results.append(self._function(batch[start : start + count]))
            except torch.OutOfMemoryError as error:
                self._halve(count, error)
                continue
            start += count
        return results[0] if len(results) == 1 else torch.cat(results)

    def _halve(self, count: int, error: Exception) -> None:
        if count == 1:
            raise PlanError(
                "the memory of the GPU does not suffice for a single tile; close what "
                "else uses it, or choose the device cpu"
            ) from error
        self.limit = count // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
