"""Every constant of drawn tissue, by name: a frozen record for each setting.

A result that used drawn slides names the setting it used, so a setting never changes
once it is in the table; new ones are added beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType

from napari_histossl.errors import GeometryError
from napari_histossl.phantom.layout_constants import (
    GlandSetting,
    LayoutSetting,
    LymphoidSetting,
    VesselSetting,
)
from napari_histossl.phantom.tissue_constants import (
    LymphocyteSetting,
    NecrosisSetting,
    NucleusShape,
    StainSetting,
    StromaSetting,
    TumourSetting,
)

_RED_CELL = NucleusShape((2.7, 3.5), (0.7, 1.0), (0.55, 0.9))


@dataclass(frozen=True, slots=True)
class Setting:
    """All constants of a way to draw tissue.

    Attributes
    ----------
    name : str
        By what results call it.
    """

    name: str
    layout: LayoutSetting = field(default_factory=LayoutSetting)
    glands: GlandSetting = field(default_factory=GlandSetting)
    lymphoid: LymphoidSetting = field(default_factory=LymphoidSetting)
    vessels: VesselSetting = field(default_factory=VesselSetting)
    stain: StainSetting = field(default_factory=StainSetting)
    stroma: StromaSetting = field(default_factory=StromaSetting)
    tumour: TumourSetting = field(default_factory=TumourSetting)
    lymphocytes: LymphocyteSetting = field(default_factory=LymphocyteSetting)
    necrosis: NecrosisSetting = field(default_factory=NecrosisSetting)
    red_cell: NucleusShape = _RED_CELL
    """A red cell, drawn as a disc that is paler in the middle."""
    cell_pitch: float = 8.4
    """Lattice of all cells but those of the tumour."""
    cell_jitter: float = 0.38
    chromatin_grain: float = 0.42


_V1 = Setting("v1")

_REGULAR = replace(
    _V1,
    name="regular",
    cell_jitter=0.15,
    tumour=replace(_V1.tumour, cell_jitter=0.1),
)
"""Cells stand on their lattice almost exactly; colour, blur and noise are those of v1.
What an imperfect generator may get wrong, for studies that try readers out."""

SETTINGS = MappingProxyType({"v1": _V1, "regular": _REGULAR})
"""The settings by name. ``"v1"`` is what the defaults above say; all are frozen."""


def setting_named(name: str) -> Setting:
    """Return a setting.

    Raises
    ------
    GeometryError
        If there is no setting of that name.
    """
    try:
        return SETTINGS[name]
    except KeyError:
        raise GeometryError(
            f"drawn tissue has no setting {name!r}; known: {', '.join(SETTINGS)}"
        ) from None
