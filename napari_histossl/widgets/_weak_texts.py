"""What the group of classes says."""

from __future__ import annotations

from napari_histossl.overlays.plan import RunPlan
from napari_histossl.panels.class_compare import Comparison
from napari_histossl.widgets._overlays_texts import run_time

NO_SLIDE = "Open a slide first."
NOTHING = (
    "Nothing computed on this slide yet: see what the classifier sees, or segment."
)
SHOWN = "K makes an editable mask of it."
FINAL = (
    "Which classes are in a window was decided when it was segmented (epsilon {:g}); "
    "segment again for another epsilon."
)
MASK_BUSY = "A run is going on; wait for its end, then press K again."
MAKING = "Making the mask …"
MADE = "The mask {} was made: correct it on the Correct page."
FOLLOW = "Numbers of the tile under the cursor; Esc ends."
READING = "Looking at the weights …"
COMPUTING = "Computing this tile …"
LOADING = "Loading the model; the first tile takes some seconds …"
MOVE = "Move the cursor over the tissue."
OFF_SLIDE = "The cursor is off the slide."
HIDES = "Dark: what dropout attention hides of {}, all above {:.2f} of its maximum."
NO_MASK = "No mask on this slide yet: draw one on the Correct page, or take a file."
MEASURING = "Comparing with the mask …"


def price(plan: RunPlan, is_measured: bool) -> str:
    """Return what a run will do and cost."""
    count, spec = len(plan.tiles_ij), plan.spec
    took = run_time(plan, is_measured)
    return (
        f"{count:,} tiles of {spec.tile_px} px, level {plan.level} read at "
        f"{plan.mpp_yx[0]:.3g} µm per pixel, {spec.n_classes} classes by {spec.name}, "
        f"{took}. {plan.notes[0]}"
    )


def agreement(found: Comparison) -> str:
    """Return how labels agree with a mask, in a sentence."""
    confusion = found.confusion
    over = "" if found.share > 0.999 else f", over {found.share:.0%} of the mask"
    return (
        f"Mean IoU {confusion.mean_iou:.2f}, weighted by area "
        f"{confusion.weighted_iou:.2f}, {confusion.accuracy:.0%} of the pixels "
        f"right{over}."
    )
