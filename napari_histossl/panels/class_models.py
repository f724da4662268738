"""Weights of classifiers and segmenters: which were chosen, and whether they fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from napari_histossl.classes import ClassInfo, ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.models.library import find_weights
from napari_histossl.models.metadata import WeightsRecord, examine_weights
from napari_histossl.models.registry import ModelSpec, Task
from napari_histossl.overlays.features_raster import cluster_classes
from napari_histossl.panels.tile_plan import said_spec
from napari_histossl.resources import sample_file

_SAMPLES = {
    "classifier": "classifier_sample.safetensors",
    "segmenter": "segmenter_sample.safetensors",
}
"""Trained on drawn tissue; in the wheel and in the source tree."""

_EXAMPLES = {
    "classifier": "resnet38 for WSSS-Tissue's first stage",
    "segmenter": "deeplabv3plus for its second stage",
}


@dataclass(frozen=True, slots=True)
class ClassModel:
    """Weights of a classifier or a segmenter, and the classes it tells.

    Attributes
    ----------
    record : WeightsRecord
        The file.
    spec : ModelSpec
        Its model, with classes: numbered ones where the file does not say them.
    """

    record: WeightsRecord
    spec: ModelSpec

    @property
    def says_classes(self) -> bool:
        """Whether the file says what its classes are."""
        return self.record.spec is not None and self.record.spec.classes is not None

    @property
    def classes(self) -> ClassTable:
        """Classes in the order of the model's numbers."""
        assert self.spec.classes is not None  # `class_model` sees to it
        return self.spec.classes


def weights_file(chosen: Path | None, task: Task) -> Path:
    """Return the chosen weights, or those that come with the package.

    Parameters
    ----------
    chosen : Path or None
        A file, or the name of weights that were added; None for the sample.
    task : {"classifier", "segmenter"}
        What is needed.

    Raises
    ------
    WeightsError
        If there are no such weights.
    MissingResourceError
        If the sample was not installed.
    """
    return sample_file(_SAMPLES[task]) if chosen is None else find_weights(chosen)


def class_model(record: WeightsRecord, model: str, task: Task) -> ClassModel:
    """Return weights with their model, refusing those of another kind.

    Parameters
    ----------
    record : WeightsRecord
        What the file says.
    model : str
        What a person says, or empty.
    task : {"classifier", "segmenter"}
        What is needed.

    Raises
    ------
    PlanError
        If nobody says which model it is, or it is not for this.
    """
    spec = said_spec(record, model, _EXAMPLES[task])
    if spec.task != task:
        raise PlanError(
            f"{record.path} holds weights of {spec.name}, which is no {task}; choose "
            f"weights that `napari-histossl train {task}` made, or published ones of "
            f"{_EXAMPLES[task]}"
        )
    classes = spec.classes or _numbered(spec.n_classes)
    return ClassModel(record, replace(spec, classes=classes))


def examine_class_model(chosen: Path | None, model: str, task: Task) -> ClassModel:
    """Do `class_model` with a file: reads its header and hashes it.

    Raises
    ------
    WeightsError
        If it cannot be read.
    PlanError
        As `class_model`.
    """
    return class_model(examine_weights(weights_file(chosen, task)), model, task)


def refuse_other_classes(segmenter: ClassModel, classifier: ClassModel) -> None:
    """Refuse two models that do not mean the same by the same number.

    Raises
    ------
    PlanError
        If their classes, or the order of these, differ.
    """
    one, two = segmenter.classes, classifier.classes
    is_said = segmenter.says_classes and classifier.says_classes
    names = [[info.name.casefold() for info in table] for table in (one, two)]
    if len(one) != len(two) or (is_said and names[0] != names[1]):
        raise PlanError(
            f"the segmenter {Path(segmenter.record.path).name} tells {_listed(one)}, "
            f"and the classifier {Path(classifier.record.path).name} {_listed(two)}; a "
            f"classifier gates a segmenter of the same classes in the same order: "
            f"choose a pair that was trained on one data set, or run without the gate"
        )


def _numbered(count: int) -> ClassTable:
    """Return a table for weights that do not say what their classes are."""
    return ClassTable(
        [
            ClassInfo(info.index, f"class {info.index}", info.colour)
            for info in cluster_classes(count)
        ]
    )


def _listed(classes: ClassTable) -> str:
    return f"{len(classes)} classes ({', '.join(info.name for info in classes)})"
