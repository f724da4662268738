"""What one reader is shown, one showing after another: training, test, repeats, catch.

The owner draws it from the sealed seed and can draw it again. The file of the reader
holds names of showings alone: a picture that is shown twice has two names, and nothing
says which two belong together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from napari_histossl.errors import StudyError
from napari_histossl.study.order import derive, draw_blocks, draw_order, shuffle
from napari_histossl.study.protocol import Protocol
from napari_histossl.study.readings import Kind
from napari_histossl.study.truth import Truth

LONGEST_RUN = 4
"""Pictures of one class in a row that a repeat may make, where it can be avoided."""

_NAME_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Showing:
    """A picture at its place in the sequence of a reader.

    Attributes
    ----------
    name : str
        What the file of the reader calls it.
    case_id : str
        Which picture it is.
    kind : str
        Why it is shown.
    """

    name: str
    case_id: str
    kind: Kind


def draw_sequence(
    truth: Truth, protocol: Protocol, reader: str, condition: str, pack_id: str
) -> list[Showing]:
    """Draw what a reader is shown under one condition.

    Parameters
    ----------
    truth : Truth
        Of all cases, with the seed.
    protocol : Protocol
        Repeats and their distance.
    reader, condition : str
        Pseudonym; condition, empty where there is one.
    pack_id : str
        Which pack the names are for.

    Raises
    ------
    StudyError
        If there are too few pictures to keep repeats apart.
    """
    who = reader if not condition else f"{reader}/{condition}"
    classes = {case: row.synthetic for case, row in truth.cases.items()}
    training: list[tuple[str, Kind]] = [
        (case, "training") for case in _draw_block(truth, "training", who)
    ]
    test: list[tuple[str, Kind]] = [
        (case, "test") for case in _draw_block(truth, "test", who)
    ]
    for case, place in _draw_catches(truth, who, len(test)):
        test.insert(place, (case, "catch"))
    _insert_repeats(test, truth, protocol, who, classes)
    return [
        Showing(_name(truth.seed, pack_id, case, kind), case, kind)
        for case, kind in training + test
    ]


def _name(seed: bytes, pack_id: str, case: str, kind: Kind) -> str:
    return derive(seed, f"showing/{pack_id}/{case}/{kind}").hex()[:_NAME_DIGITS]


def _draw_block(truth: Truth, role: str, who: str) -> list[str]:
    seed = derive(truth.seed, role)
    strata = {case: f"{row.arm}/{row.stratum}" for case, row in truth.cases.items()}
    blocks = draw_blocks(
        seed,
        truth.of_class(synthetic=False, role=role),
        truth.of_class(synthetic=True, role=role),
        strata,
    )
    return draw_order(seed, who, blocks)


def _draw_catches(truth: Truth, who: str, length: int) -> list[tuple[str, int]]:
    """Return catch cases with the places before which they come, the last first."""
    cases = sorted(truth.of_role("catch").cases)
    placed = [
        (
            int.from_bytes(derive(truth.seed, f"catch/{who}/{case}")[:8], "big")
            % (length + 1),
            case,
        )
        for case in cases
    ]
    return [(case, place) for place, case in sorted(placed, reverse=True)]


def _insert_repeats(
    test: list[tuple[str, Kind]],
    truth: Truth,
    protocol: Protocol,
    who: str,
    classes: Mapping[str, bool],
) -> None:
    """Show some test pictures again, at least the gap after the first time."""
    gap = protocol.repeat_gap
    early = {case for case, kind in test[: max(len(test) + 1 - gap, 0)]}
    repeated = _choose_repeats(truth, protocol, who, early)
    for case in repeated:
        first = test.index((case, "test"))
        purpose = f"repeat/{who}/{case}"
        places = sorted(
            range(first + gap, len(test) + 1),
            key=lambda place, purpose=purpose: (  # type: ignore[misc]
                _run_at(test, place, case, classes) > LONGEST_RUN,
                derive(truth.seed, f"{purpose}/{place}"),
            ),
        )
        test.insert(places[0], (case, "repeat"))


def _choose_repeats(
    truth: Truth, protocol: Protocol, who: str, early: set[str]
) -> list[str]:
    """Return as many real as synthetic cases, give or take one."""
    total = len(truth.of_role("test").cases)
    count = round(protocol.repeat_share * total)
    chosen: list[str] = []
    for synthetic, share in ((False, count // 2), (True, count - count // 2)):
        possible = [
            case for case in truth.of_class(synthetic=synthetic) if case in early
        ]
        if len(possible) < share:
            raise StudyError(
                f"{count} repeats at least {protocol.repeat_gap} pictures after their "
                f"first showing need more than {total} test pictures: add pictures, or "
                f"ask for a smaller share or distance of repeats"
            )
        chosen += shuffle(truth.seed, f"repeats/{who}/{synthetic}", possible)[:share]
    return shuffle(truth.seed, f"repeats/{who}", chosen)


def _run_at(
    test: Sequence[tuple[str, Kind]],
    place: int,
    case: str,
    classes: Mapping[str, bool],
) -> int:
    """Return the longest run around a place once a case is inserted there."""
    around = [one for one, _kind in test[max(place - LONGEST_RUN, 0) : place]]
    around += [case, *(one for one, _kind in test[place : place + LONGEST_RUN])]
    return max(len(list(run)) for _, run in groupby(around, key=classes.__getitem__))
