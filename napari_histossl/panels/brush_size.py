"""How wide a brush is: in pixels of the screen, or in micrometres on the glass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

_STEP = 1.2
"""What a press of [ or ] divides or multiplies the size by."""

SizeUnit = Literal["screen", "um"]
"""A size that follows the zoom, in pixels of the screen, or one fixed on the glass."""

SMALLEST, LARGEST = 1.0, 5000.0
"""Bounds of a brush's diameter in either unit."""


@dataclass(frozen=True, slots=True)
class BrushSize:
    """How wide a brush is.

    Attributes
    ----------
    diameter : float
        In the unit, 1 to 5000.
    unit : {"screen", "um"}
        Pixels of the screen, whatever the zoom, or micrometres.
    """

    diameter: float = 40.0
    unit: SizeUnit = "screen"

    def __post_init__(self) -> None:
        bounded = min(max(float(self.diameter), SMALLEST), LARGEST)
        object.__setattr__(self, "diameter", bounded)

    def um(self, zoom: float) -> float:
        """Return the diameter in world units.

        Parameters
        ----------
        zoom : float
            Pixels of the screen per world unit, which is a micrometre where the slide
            knows its scale.
        """
        return self.diameter if self.unit == "um" else self.diameter / zoom

    def px0(self, zoom: float, pixel_um: float) -> int:
        """Return the diameter in pixels of a mask, at least 1.

        Parameters
        ----------
        zoom : float
            As for `um`.
        pixel_um : float
            World units a pixel of the mask.
        """
        return max(round(self.um(zoom) / pixel_um), 1)

    def in_unit(self, unit: SizeUnit, zoom: float) -> BrushSize:
        """Return a brush that is as wide now, in another unit."""
        um = self.um(zoom)
        return BrushSize(um if unit == "um" else um * zoom, unit)

    def stepped(self, steps: int) -> BrushSize:
        """Return the next larger size, or with -1 the next smaller one."""
        wished = self.diameter * _STEP**steps
        rounded = math.ceil(wished) if steps > 0 else math.floor(wished)
        return BrushSize(rounded, self.unit)

    def measured(self, px0: float, zoom: float, pixel_um: float) -> BrushSize:
        """Return the size, in this unit, of a brush of so many mask pixels."""
        um = px0 * pixel_um
        return BrushSize(um if self.unit == "um" else um * zoom, self.unit)
