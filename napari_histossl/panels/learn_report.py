"""What came of learning, for people: what it was made of, before and after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.classes import ClassInfo, ClassTable
from napari_histossl.errors import HistoSSLError
from napari_histossl.overlays.class_parameters import LEARNED
from napari_histossl.panels.learn import head_path
from napari_histossl.store import Pyramid
from napari_histossl.store.paths import list_overlays
from napari_histossl.training.shallow import load_head
from napari_histossl.training.shallow_scores import HeldOut

_NOT_MEASURED = (
    "not yet: corrections lie in one place, or leave one class when a place is "
    "held out; correct in several places, some hundred micrometres apart"
)

_NO_BEFORE = (
    "before is not known, since the mask did not start from an overlay that is still "
    "there"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One class of a report.

    Attributes
    ----------
    info : ClassInfo
        The class.
    corrected_mm2 : float
        Area that was corrected to it, or accepted as it.
    before, after : float
        IoU on held-out places; NaN where it is not known.
    dice_before, dice_after : float
        Dice's coefficient there.
    """

    info: ClassInfo
    corrected_mm2: float
    before: float
    after: float
    dice_before: float
    dice_after: float

    @property
    def numbers(self) -> tuple[float, float, float, float]:
        """IoU before and after, Dice's coefficient before and after."""
        return self.before, self.after, self.dice_before, self.dice_after

    @property
    def text(self) -> str:
        """The class in one line."""
        iou_b, iou_a, dice_b, dice_a = map(shown, self.numbers)
        return (
            f"{self.info.name:<14} {self.corrected_mm2:.4f} mm2   IoU {iou_b} -> "
            f"{iou_a}   Dice {dice_b} -> {dice_a}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What a head was made of, and how well it did.

    Attributes
    ----------
    mask : str
        Name of the mask.
    classes : ClassTable
        Those that it tells.
    corrected : dict of str to int
        Corrected tokens of each class.
    of_model : int
        Tokens that the model had labelled.
    model_weight : float
        How much each of these counted.
    token_um : float
        Edge of a token.
    started_from : str
        Overlay that the mask started from, where that is still there; else empty.
    held_out : HeldOut or None
        Before and after, where corrections lie in more than one place.
    """

    mask: str
    classes: ClassTable
    corrected: dict[str, int]
    of_model: int
    model_weight: float
    token_um: float
    started_from: str
    held_out: HeldOut | None

    def rows(self) -> list[Row]:
        """Return the classes with their numbers, in the order of the table."""
        return [self._row(info) for info in self.classes]

    def _row(self, info: ClassInfo) -> Row:
        held, token_mm2 = self.held_out, self.token_um**2 / 1e6
        corrected = self.corrected.get(info.name, 0) * token_mm2
        if held is None or info.index not in held.classes:
            return Row(info, corrected, *[math.nan] * 4)
        place, nan = held.classes.index(info.index), math.nan
        is_known = bool(self.started_from)
        return Row(
            info,
            corrected,
            float(held.before.iou[place]) if is_known else nan,
            float(held.after.iou[place]),
            float(held.before.dice[place]) if is_known else nan,
            float(held.after.dice[place]),
        )

    @property
    def measured(self) -> str:
        """What the numbers are of, in a sentence."""
        if self.held_out is None:
            return _NOT_MEASURED
        count = int(self.held_out.after.support.sum())
        area_mm2 = count * self.token_um**2 / 1e6
        before = (
            f"before is {self.started_from!r}, low where mostly its errors were "
            f"corrected"
            if self.started_from
            else _NO_BEFORE
        )
        return (
            f"on {area_mm2:.3g} mm² that was corrected or accepted, in "
            f"{self.held_out.places} places, each told by a head that has seen neither "
            f"it nor its neighbours; {before}"
        )


def read_report(path: Path) -> Report:
    """Read what a saved head says about itself.

    Raises
    ------
    WeightsError
        If the file is missing or damaged.
    """
    told = load_head(path).facts
    held_out = told["held_out"]
    return Report(
        told["mask"],
        ClassTable.from_json(told["classes"]),
        dict(told["corrected_tokens"]),
        told["model_tokens"],
        told["model_weight"],
        told["token_um"],
        told["started_from"],
        None if held_out is None else HeldOut.from_json(held_out),
    )


def mean_of(rows: Sequence[Row]) -> tuple[float, ...]:
    """Return the means of the numbers of classes, as `Row.numbers` orders them.

    Parameters
    ----------
    rows : sequence of Row
        NaN where none is known; classes whose numbers are not known do not count.
    """
    columns = zip(*(row.numbers for row in rows), strict=True)
    known = [[n for n in column if not math.isnan(n)] for column in columns]
    return tuple(sum(some) / len(some) if some else math.nan for some in known)


def shown(number: float) -> str:
    """Return a number of 0 to 1 for a table; a dash where it is not known."""
    return "–" if math.isnan(number) else f"{number:.2f}"


def list_learned(folder: Path) -> list[Path]:
    """Return the overlays of a slide that heads have made, the newest first.

    Parameters
    ----------
    folder : Path
        Results folder of the slide; damaged overlays are left out.
    """
    found = []
    for path in list_overlays(folder):
        try:
            with Pyramid.open(path) as overlay:
                told = overlay.provenance
        except HistoSSLError:
            continue  # the list of overlays says what is wrong with it
        if (told.get("parameters") or {}).get("kind") == LEARNED:
            found.append((str(told.get("date")), path))
    return [path for _, path in sorted(found, reverse=True)]


def head_of(overlay: Path) -> Path:
    """Return the file of the head that made an overlay; it may have been deleted."""
    return head_path(overlay.parent.parent, overlay.name.removesuffix(".ome.zarr"))
