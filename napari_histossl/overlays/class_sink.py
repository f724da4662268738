"""Maps of classes, and the labels that follow from them, written together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_histossl.classes import ClassTable
from napari_histossl.geometry import Box
from napari_histossl.overlays._overlay_files import reopen
from napari_histossl.overlays.class_labels import ClassLabels
from napari_histossl.overlays.dirty import CHUNK_PX, dirty_boxes, joined
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.raster import Raster, RasterSink
from napari_histossl.slide import SlideSource
from napari_histossl.store import Pyramid


@dataclass(frozen=True, slots=True)
class LabelRaster:
    """One pyramid of labels that follows from the maps of a run.

    Attributes
    ----------
    path : str
        Folder of the OME-Zarr.
    maps : int
        Which raster of the run holds the maps.
    presence : int or None
        Which one says what is there at all; None where all classes may be everywhere.
    classes : ClassTable
        One class for each channel of the maps.
    epsilon : float
        See `ClassLabels`.
    parameters : mapping
        What the labels depend on besides slide and weights; JSON values.
    """

    path: str
    maps: int
    presence: int | None
    classes: ClassTable
    epsilon: float
    parameters: Mapping[str, Any]


class ClassSink(RasterSink):
    """Pyramids of maps and of labels; a `Sink`.

    Parameters
    ----------
    source : SlideSource
        The slide, described in the provenance.
    plan : RunPlan
        Which tiles, and which model.
    rasters : sequence of Raster
        Maps, one for each of the values of a tile.
    labels : sequence of LabelRaster
        What follows from them.
    """

    def __init__(
        self,
        source: SlideSource,
        plan: RunPlan,
        rasters: Sequence[Raster],
        labels: Sequence[LabelRaster],
    ) -> None:
        super().__init__(source, plan, rasters)
        self._said = tuple(labels)
        self._labels: list[tuple[LabelRaster, ClassLabels, Pyramid]] = []

    def open(self) -> None:
        """Open the pyramids to go on with them, or create them.

        Raises
        ------
        StoreError
            If one cannot be written, or was made from something else.
        """
        super().open()
        for said in self._said:
            is_there = Path(said.path, "zarr.json").exists() and bool(self._marked)
            target = (
                reopen(said.path, self._plan, said.parameters)
                if is_there
                else self._create_labels(said)
            )
            presence = None
            if said.presence is not None:
                presence = self._pyramids[said.presence]
            maps = self._pyramids[said.maps]
            made = ClassLabels(maps, said.classes, presence, said.epsilon)
            self._labels.append((said, made, target))
            if not is_there:  # taken away since: it is made from the maps again
                self._write_labels(said.maps, made, target, sorted(self._marked))

    def close(self) -> None:
        """Close the pyramids."""
        for _, _, target in self._labels:
            target.close()
        self._labels = []
        super().close()

    # ---- Details

    def _derive(self, dirty: Sequence[Tile]) -> None:
        for said, made, target in self._labels:
            self._write_labels(said.maps, made, target, dirty)

    def _write_labels(
        self, maps: int, made: ClassLabels, target: Pyramid, tiles: Sequence[Tile]
    ) -> None:
        boxes: list[Box] = dirty_boxes(tiles, self._grids[maps])
        for box in boxes:
            target.write(box, made.read(box))
        for box in joined(boxes):
            target.refresh(box)
        target.mark_done()

    def _create_labels(self, said: LabelRaster) -> Pyramid:
        maps = self._pyramids[said.maps]
        facts = {**maps.provenance, "parameters": dict(said.parameters)}
        return Pyramid.create(
            said.path,
            shape=maps.levels[0].shape,
            dtype="uint8",
            axes=("y", "x"),
            chunk_px=CHUNK_PX,
            pixel_um_yx=maps.pixel_um_yx,
            pixel_px0_yx=maps.pixel_px0_yx,
            reducer="priority",
            is_label=True,
            classes=said.classes,
            provenance=facts,
            overwrite=self._plan.overwrite or _is_like(said),
        )


def _is_like(said: LabelRaster) -> bool:
    """Whether there are labels of the same kind, which a run may make anew."""
    if not Path(said.path, "zarr.json").exists():
        return False
    with Pyramid.open(said.path) as there:
        made_with = there.provenance.get("parameters") or {}
    return bool(made_with.get("kind") == said.parameters["kind"])
