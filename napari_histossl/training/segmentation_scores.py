"""How well masks fit the truth: file by file, all together, as a table and as JSON."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_histossl.classes import ClassTable
from napari_histossl.errors import DataSetError
from napari_histossl.jobs import Progress
from napari_histossl.metrics.confusion import confusion_matrix
from napari_histossl.metrics.segmentation import Confusion
from napari_histossl.store.provenance import describe
from napari_histossl.store.whole import written_whole
from napari_histossl.training.mask_pairs import MaskPairs


@dataclass(slots=True, eq=False)
class SegmentationScores:
    """What was counted.

    Attributes
    ----------
    classes : ClassTable
        In the order of the tables.
    by_name : dict of str to Confusion
        The table of each file.
    """

    classes: ClassTable
    by_name: dict[str, Confusion] = field(default_factory=dict)

    @property
    def total(self) -> Confusion:
        """Pixels of all files together."""
        return sum(self.by_name.values(), Confusion.empty(len(self.classes)))


def score_masks(pairs: MaskPairs, into: SegmentationScores) -> Iterator[Progress]:
    """Compare masks pair by pair.

    Parameters
    ----------
    pairs : MaskPairs
        The masks.
    into : SegmentationScores
        Receives a table for each.

    Yields
    ------
    Progress
        After each pair.

    Raises
    ------
    DataSetError
        If two masks differ in size, or one holds what is no class.
    """
    for done, pair in enumerate(pairs.pairs, 1):
        try:
            into.by_name[pair.name] = confusion_matrix(
                pair.prediction(),
                pair.truth(),
                len(pairs.classes),
                exclude_index=pairs.exclude_index,
                first=pairs.first,
            )
        except DataSetError as error:
            raise DataSetError(f"{pair.name}: {error}") from error
        yield Progress(done, len(pairs.pairs), message=pair.name)


def measures(confusion: Confusion, classes: ClassTable) -> dict[str, float]:
    """Return the numbers of a table of pixels by name, those of single classes last.

    Parameters
    ----------
    confusion : Confusion
        The table.
    classes : ClassTable
        Its classes.
    """
    told = {
        "mIoU": confusion.mean_iou,
        "FwIoU": confusion.weighted_iou,
        "accuracy": confusion.accuracy,
        "kappa": confusion.kappa,
    }
    for kind, values in (("IoU", confusion.iou), ("Dice", confusion.dice)):
        for info, value in zip(classes, values.tolist(), strict=True):
            told[f"{kind} {info.name}"] = value
    return told


def write_csv(scores: SegmentationScores, path: Path) -> None:
    """Write a line for each file and one for all of them.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    rows = {**scores.by_name, "all": scores.total}
    with (
        written_whole(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        numbers = measures(scores.total, scores.classes)
        writer.writerow(["name", "pixels", *numbers])
        for name, confusion in rows.items():
            values = measures(confusion, scores.classes).values()
            told = ("" if math.isnan(value) else f"{value:.6g}" for value in values)
            writer.writerow([name, int(confusion.support.sum()), *told])


def write_json(
    scores: SegmentationScores, path: Path, parameters: Mapping[str, Any]
) -> None:
    """Write all numbers of all files together, and what they were made from.

    Parameters
    ----------
    scores : SegmentationScores
        What was counted.
    path : Path
        File to write.
    parameters : mapping
        What was compared, as JSON can hold it.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    total = scores.total
    numbers = measures(total, scores.classes)
    facts = {
        "classes": [info.name for info in scores.classes],
        "files": len(scores.by_name),
        "pixels": int(total.support.sum()),
        **{k: None if math.isnan(v) else v for k, v in numbers.items()},
        "confusion": total.counts.tolist(),
        "unassigned": total.unassigned.tolist(),
        "provenance": describe(model="segmentation scores", parameters=parameters),
    }
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
