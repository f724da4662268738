"""Where a checkpoint keeps the network that is wanted, and under which prefix.

Training writes more than one network: a student and a teacher, an encoder of queries
and one of keys, heads that are of no use afterwards; and wraps each in modules whose
names come first in every key. The wanted network is found by its keys, not by a list of
wrappers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from napari_histossl.errors import WeightsError

T = TypeVar("T")

_STATE_KEYS = ("teacher", "state_dict", "model_state_dict", "model", "student")
"""Where checkpoints keep their tensors, the one that is used first: DINO's teacher."""

_SECOND_CHOICE = ("student", "encoder_k", "key_encoder", "momentum", "target")
"""Words in the prefix of a network of which the file holds a better copy: by the
authors' word DINO's teacher and MoCo's encoder of queries are the ones to use."""


def state_of(checkpoint: Any, path: str | Path) -> dict[str, Any]:
    """Return the state dict that a checkpoint is or holds.

    Parameters
    ----------
    checkpoint : object
        What was read, with tensors or their shapes.
    path : str or Path
        Named in messages.

    Returns
    -------
    dict
        Keys as they are in the file; values with a ``shape``.

    Raises
    ------
    WeightsError
        If there is none.
    """
    candidates = [checkpoint]
    if isinstance(checkpoint, Mapping):
        candidates = [checkpoint[k] for k in _STATE_KEYS if k in checkpoint]
        candidates.append(checkpoint)
    for candidate in candidates:
        if _is_state_dict(candidate):
            return dict(candidate)
    raise WeightsError(
        f"{path} holds no state dict: got {type(checkpoint).__name__}, expected "
        f"tensors by name, or a dict with one of {', '.join(_STATE_KEYS)}"
    )


def _is_state_dict(candidate: Any) -> bool:
    return (
        isinstance(candidate, Mapping)
        and len(candidate) > 0
        and all(isinstance(key, str) for key in candidate)
        and all(hasattr(value, "shape") for value in candidate.values())
    )


def network_in(state: Mapping[str, T], wanted: Collection[str]) -> dict[str, T]:
    """Return the part of a state dict that has the wanted keys, prefix taken off.

    Parameters
    ----------
    state : mapping
        A state dict as it is in a file.
    wanted : collection of str
        Keys of the network, all or some of them.

    Returns
    -------
    dict
        All that lies under the prefix with the most wanted keys; what lies outside of
        it is another part of the training. The whole state dict if nothing fits.
    """
    prefix = best_prefix(state, wanted)
    return {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}


def best_prefix(keys: Collection[str], wanted: Collection[str]) -> str:
    """Return the prefix under which most wanted keys lie, ``""`` if none does."""
    names, counts = set(wanted), Counter[str]()
    for key in keys:
        parts = key.split(".")
        for place in range(len(parts)):
            if ".".join(parts[place:]) in names:
                counts[".".join([*parts[:place], ""])] += 1

    def rank(prefix: str) -> tuple[int, bool, int]:
        second = any(word in prefix for word in _SECOND_CHOICE)
        return -counts[prefix], second, len(prefix)

    return min(counts, key=rank, default="")
