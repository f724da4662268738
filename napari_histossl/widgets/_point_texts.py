"""What the group of a point's attention says."""

from __future__ import annotations

from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.point import POINT_MEANINGS

NO_SLIDE = "Open a slide first."
HOW = "Shows what the spot under the cursor attends to, within its tile."
READING = "Looking at the weights …"
LOADING = "Loading the model; the first tile takes some seconds …"
COMPUTING = "Computing this tile …"
MOVE = "Move the cursor over the tissue."
OFF_SLIDE = "The cursor is off the slide."
FAR = "Zoom in: a tile of the model is too small on the screen."
FOLLOWING = "Click pins, Esc ends."
PINNED = "Pinned. Click elsewhere moves the pin, on it lets go; Esc ends."


def describe(plan: RunPlan) -> str:
    """Return which weights and block are asked, and what the numbers are."""
    depth = int(plan.spec.config["depth"])
    return (
        f"{plan.spec.name}, weights {plan.weights_sha256[:8]}, block "
        f"{plan.block % depth + 1} of {depth}. Values: {POINT_MEANINGS[plan.values]}."
    )
