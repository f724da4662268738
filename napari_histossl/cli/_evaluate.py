"""Is it any good? Features by neighbours and linear probes, masks by the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_histossl.cli._common import show_progress
from napari_histossl.cli._evaluate_masks import segmentation
from napari_histossl.cli._evaluate_sets import contestants, probe_sets
from napari_histossl.errors import PlanError

if TYPE_CHECKING:
    from napari_histossl.training.comparison import (
        Contestant,
        Probe,
        ProbeSets,
        Row,
        Score,
    )
    from napari_histossl.training.labelled import Labelled

WeightsArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Files of weights, or names of added ones; by default the sample weights."
    ),
]
KnownOption = Annotated[
    Path | None,
    typer.Option(
        "--train",
        help="Labelled pictures: a folder for each class (CRC-100K), or BreastPathQ. "
        "By default drawn tissue.",
    ),
]
TestOption = Annotated[
    Path | None, typer.Option("--test", help="Others, to be judged on.")
]
OtherOption = Annotated[
    Path | None,
    typer.Option(
        "--other-stain",
        help="The pictures of --test in another stain; by default they are restained.",
    ),
]
SharesOption = Annotated[
    list[float] | None,
    typer.Option("--labels", help="Percent of the labels used; may be repeated."),
]
StartsOption = Annotated[
    int, typer.Option("--starts", min=0, help="Random starts of each architecture.")
]
ModelOption = Annotated[
    str, typer.Option("--model", help="Model, for weights that do not say which.")
]
PixelsOption = Annotated[
    int | None,
    typer.Option(
        "--patch-px", min=16, help="Middle of each picture that is looked at."
    ),
]
MergeOption = Annotated[
    bool,
    typer.Option(
        "--merge/--keep-all", help="Count CRC-100K's muscle as stroma, as published."
    ),
]
SlidesOption = Annotated[
    int, typer.Option("--slides", min=1, max=16, help="Drawn slides of each set.")
]
ThreadsOption = Annotated[
    int, typer.Option("--threads", min=1, help="Processor cores to use.")
]
DeviceOption = Annotated[
    str, typer.Option("--device", help="Where to compute: cpu, cuda, mps.")
]
CsvOption = Annotated[
    Path | None, typer.Option("--csv", help="Write every number to a file as well.")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group = typer.Typer(
        help="Judge features on labelled pictures, and masks by the truth.",
        no_args_is_help=True,
    )
    group.command("knn")(knn)
    group.command("linear")(linear)
    group.command("segmentation")(segmentation)
    app.add_typer(group, name="evaluate")


def knn(
    weights: WeightsArgument = None,
    train: KnownOption = None,
    test: TestOption = None,
    other_stain: OtherOption = None,
    k: Annotated[int, typer.Option(min=1, help="Neighbours that vote.")] = 5,
    nearness: Annotated[
        Literal["euclidean", "cosine"],
        typer.Option(help="Neighbours by distance, as published, or by direction."),
    ] = "euclidean",
    labels: SharesOption = None,
    starts: StartsOption = 5,
    model: ModelOption = "",
    patch_px: PixelsOption = None,
    merge: MergeOption = True,
    slides: SlidesOption = 16,
    threads: ThreadsOption = 2,
    device: DeviceOption = "cpu",
    csv: CsvOption = None,
) -> None:
    """Name the class of pictures by the nearest among labelled ones.

    Compares the weights with colour histograms and with random weights of the same
    shape. Accuracy, area under the curve of each class against the others, and their
    mean, for pictures in the same stain and in another.
    """
    from napari_histossl.training.probing import score_neighbours

    def probe(
        bank: Any, known: Labelled, chosen: Any, tests: Sequence[Any], truth: Labelled
    ) -> list[Score]:
        if known.labels is None or truth.labels is None:
            raise PlanError(
                "these pictures have scores, not classes, and neighbours vote on "
                "classes; use: napari-histossl evaluate linear"
            )
        return [
            *score_neighbours(
                bank, known.labels[chosen], tests, truth.labels, k=k, nearness=nearness
            )
        ]

    sets = probe_sets(train, test, other_stain, patch_px, merge, slides, threads)
    who = contestants(weights, model, starts, device)
    _report(who, sets, probe, labels, csv)


def linear(
    weights: WeightsArgument = None,
    train: KnownOption = None,
    test: TestOption = None,
    other_stain: OtherOption = None,
    target: Annotated[
        Literal["classes", "scores"] | None,
        typer.Option(help="What to tell, where both are known."),
    ] = None,
    penalty: Annotated[
        float, typer.Option(min=0, help="Of the squared weights of the probe.")
    ] = 1.0,
    labels: SharesOption = None,
    starts: StartsOption = 5,
    model: ModelOption = "",
    patch_px: PixelsOption = None,
    merge: MergeOption = True,
    slides: SlidesOption = 16,
    threads: ThreadsOption = 2,
    device: DeviceOption = "cpu",
    csv: CsvOption = None,
) -> None:
    """Tell classes by logistic regression, or scores by least squares.

    The model itself does not learn. Scores, such as BreastPathQ's share of tumour
    cells or the share of nuclei of drawn tissue, are judged by the mean squared error
    and by their order.
    """
    from napari_histossl.training.probing import score_linear, score_numbers

    def probe(
        bank: Any, known: Labelled, chosen: Any, tests: Sequence[Any], truth: Labelled
    ) -> list[Score]:
        told = target or ("classes" if known.labels is not None else "scores")
        if told == "scores" and known.numbers is not None and truth.numbers is not None:
            numbers = known.numbers[chosen], truth.numbers
            return [
                *score_numbers(bank, numbers[0], tests, numbers[1], penalty=penalty)
            ]
        if told == "scores" or known.labels is None or truth.labels is None:
            raise PlanError(f"these pictures have no {told}; leave --target out")
        if penalty <= 0:
            raise PlanError("a probe of classes needs a penalty above 0")
        return [
            *score_linear(
                bank, known.labels[chosen], tests, truth.labels, penalty=penalty
            )
        ]

    sets = probe_sets(train, test, other_stain, patch_px, merge, slides, threads)
    who = contestants(weights, model, starts, device)
    _report(who, sets, probe, labels, csv)


def _report(
    who: list[Contestant],
    sets: ProbeSets,
    probe: Probe,
    labels: list[float] | None,
    csv: Path | None,
) -> None:
    from napari_histossl.training.comparison import compare
    from napari_histossl.training.probing import ClassScore
    from napari_histossl.training.score_table import class_table, table, write_rows

    shares = [percent / 100 for percent in labels or [100.0]]
    rows: list[Row] = []
    show_progress(compare(who, sets, probe, rows, shares=shares), "judging")
    print(table(rows))
    most = [row for row in rows if row.share == max(shares)]
    if any(isinstance(row.score, ClassScore) for row in most):
        print()
        print(class_table(most, sets.known.classes))
    if csv is not None:
        write_rows(rows, sets.known.classes, csv)
