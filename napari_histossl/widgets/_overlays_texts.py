"""Sentences of the Overlays page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_histossl.errors import HistoSSLError, MissingScaleError
from napari_histossl.models.metadata import WeightsRecord
from napari_histossl.models.registry import ModelSpec
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.panels.overlay_facts import HeadChoice, OverlayFacts
from napari_histossl.widgets._form import readable_time
from napari_histossl.widgets._masking import masked


def sentence(text: str) -> str:
    """Return a text with a capital at its beginning and a full stop at its end."""
    text = text.strip()
    ended = text if text.endswith((".", "!", "?")) else f"{text}."
    return f"{ended[:1].upper()}{ended[1:]}"


def masked_sentence(text: str, hidden: Mapping[str, str]) -> str:
    """Return a sentence without names that are hidden; see `_masking.masked`."""
    return sentence(masked(text, hidden))  # in this order: a capital would hide a name


def way_out(error: HistoSSLError) -> str:
    """Return what an error says, with the way out that a window has.

    The core speaks to a shell too: there the scale of a slide is an option.
    """
    if isinstance(error, MissingScaleError):
        return (
            "This slide does not say how large a pixel is, and a model needs to know: "
            "enter it on the Slide page."
        )
    return str(error)


def readable(text: str) -> str:
    """Return what the core says with units as a window has them.

    Examples
    --------
    >>> readable("trained at 0.5 um/px")
    'trained at 0.5 µm per pixel'
    """
    return text.replace(" um/px", " µm per pixel").replace(" um ", " µm ")


def about_spec(spec: ModelSpec) -> str:
    """Return model, heads and scale in one line."""
    scale = "no scale known" if spec.mpp is None else f"{spec.mpp:g} µm per pixel"
    if not spec.has_attention:
        return (
            f"{spec.name}, a residual network: it gives {spec.gives}, but has no "
            f"attention to show"
        )
    heads = f"{spec.config['depth']} blocks of {spec.heads} heads"
    reads = f"{spec.tile_px} px tiles at {scale}" if spec.reads_pixels else scale
    return f"{spec.name}, {heads}, {reads}"


def about_weights(record: WeightsRecord) -> str:
    """Return what is known about a file of weights, in a few sentences."""
    if record.spec is None:
        parts = ["This file does not say which model it is for: choose it below"]
    else:
        parts = [f"model {about_spec(record.spec)}"]
    parts += _origin(record.provenance)
    parts += record.notes
    return readable(" ".join(sentence(part) for part in parts))


def _origin(provenance: Mapping[str, Any]) -> list[str]:
    """Return what weights were trained on, as far as a file says."""
    said = []
    if isinstance(provenance.get("method"), str):
        said.append(f"trained with {provenance['method']}")
    if provenance.get("origin"):
        said.append(f"from {provenance['origin']}")
    if provenance.get("licence"):
        said.append(f"licence: {provenance['licence']}")
    return said


def cost(plan: RunPlan, device: str | None) -> str:
    """Return what a run will do and cost, before it starts.

    Parameters
    ----------
    plan : RunPlan
        With the time that was measured, where it was.
    device : str or None
        Where it will be computed; None where that is not known yet.
    """
    mpp_y, _ = plan.mpp_yx
    megabytes = _stored_bytes(plan) / 1e6
    what = "region" if plan.kind == "hierarchy" else "tile"
    count = len(plan.tiles_ij)
    parts = [
        f"{count:,} {what}{'s' if count != 1 else ''} of {plan.spec.tile_px:,} px",
        f"level {plan.level} read at {mpp_y:.3g} µm per pixel",
        f"about {max(megabytes, 0.1):,.1f} MB",
    ]
    if plan.seconds is not None:
        parts.append(run_time(plan, device is not None))
    if device:
        parts.append(f"on {device}")
    return f"{', '.join(parts)}."


def run_time(plan: RunPlan, is_measured: bool) -> str:
    """Return how long a run takes, and whether that is a guess."""
    took = readable_time(max(plan.seconds or 0.0, 1.0))
    return took if is_measured else f"{took} by estimate"


def _stored_bytes(plan: RunPlan) -> int:
    """Return the size of what a run gives, also of one on two levels."""
    region_heads = dict(plan.options).get("region_heads")
    channels = plan.shape[0]
    if region_heads is not None:  # and the combined map
        channels += int(region_heads) + 1
    return len(plan.tiles_ij) * plan.tile_tokens**2 * channels * DTYPE.itemsize


def made_by(facts: OverlayFacts) -> str:
    """Return what made an overlay, in one line."""
    if not facts.model:
        return ""
    block = "" if facts.block is None else f", {block_name(facts.block)}"
    mpp = "" if facts.mpp is None else f", {facts.mpp:.3g} µm per pixel"
    return f"{facts.model}, weights {facts.weights[:8]}{block}{mpp}"


def block_name(block: int) -> str:
    """Return what a block is called.

    Examples
    --------
    >>> block_name(-1), block_name(2)
    ('last block', 'block 2')
    """
    return "last block" if block == -1 else f"block {block}"


def about_values(facts: OverlayFacts, choice: HeadChoice) -> str:
    """Return what the numbers on the screen mean and what made them."""
    made = made_by(facts)
    parts = [facts.meaning(choice), f"made by {made}" if made else ""]
    return " ".join(sentence(part) for part in parts if part)


def about_threshold(choice: HeadChoice, unit: str) -> str:
    """Return what a threshold leaves on the screen.

    Parameters
    ----------
    choice : HeadChoice
        What is shown.
    unit : str
        What the values are, in a few words.
    """
    if choice.least is not None:
        return f"Shown from {choice.least:.3g} on: {unit}."
    if choice.mass < 1:
        return (
            f"In each tile the fewest tokens that hold {choice.mass:.0%} of its "
            f"attention (as DINO draws it)."
        )
    return "Everything that was computed."
