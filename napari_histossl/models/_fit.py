"""Tensors of a file against those of a model, key by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

_SHOWN = 4
"""Keys named in a sentence."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How the tensors of a file compare with those of a model.

    Attributes
    ----------
    missing, extra : tuple of str
        Keys that the model has and the file has not, and the other way round.
    reshaped : tuple of str
        What has another shape: key, shape in the file, shape that is expected.
    left_out : tuple of str
        Keys of heads and classifiers, of no use outside a training.
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    reshaped: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def problems(self) -> list[str]:
        """Return what does not fit as parts of a sentence, the first keys named."""
        kinds = (
            (self.missing, "keys are missing"),
            (self.extra, "are extra"),
            (self.reshaped, "have another shape"),
        )
        return [f"{len(keys)} {said} ({listed(keys)})" for keys, said in kinds if keys]


def compare(
    wanted: Mapping[str, Tensor], got: Mapping[str, Tensor], heads: tuple[str, ...]
) -> Fit:
    """Return how tensors fit a model.

    Parameters
    ----------
    wanted, got : mapping of str to Tensor
        State dicts of the model and of the file.
    heads : tuple of str
        Starts of keys that may be in the file and are left out.
    """
    beyond = [key for key in got if key not in wanted]
    return Fit(
        missing=tuple(key for key in wanted if key not in got),
        extra=tuple(key for key in beyond if not key.startswith(heads)),
        reshaped=tuple(
            f"{key} is {tuple(got[key].shape)}, expected {tuple(wanted[key].shape)}"
            for key in wanted
            if key in got and got[key].shape != wanted[key].shape
        ),
        left_out=tuple(key for key in beyond if key.startswith(heads)),
    )


def listed(names: Sequence[str]) -> str:
    """Return the first few names, and dots if there are more."""
    more = ", ..." if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
