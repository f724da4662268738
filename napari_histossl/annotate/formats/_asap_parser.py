"""What stands in an XML file of ASAP, element by element."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from napari_histossl.errors import AnnotationError


@dataclass(slots=True)
class Annotation:
    """One annotation as it stands in the file."""

    name: str
    kind: str
    group: str
    colour: str
    points: list[tuple[float, float]] = field(default_factory=list)
    """(x, y) in the order of the file, which is the order of its numbers."""


@dataclass(slots=True)
class Found:
    """All annotations, and the colours of the groups."""

    annotations: list[Annotation] = field(default_factory=list)
    colours: dict[str, str] = field(default_factory=dict)
    is_asap: bool = False


def parse(text: str, file_name: str) -> Found:
    """Return what a text holds.

    Raises
    ------
    AnnotationError
        If it is no XML of ASAP, declares a document type (through which a small file
        can grow without bounds), or a coordinate is no number.
    """
    parser = _Parser()
    reader = expat.ParserCreate()
    reader.StartElementHandler = parser.on_start
    reader.StartDoctypeDeclHandler = parser.on_doctype
    try:
        reader.Parse(text, True)
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise AnnotationError(
            f"{file_name} is no XML, or damaged ({error}); save it again in ASAP"
        ) from error
    except AnnotationError as error:
        raise AnnotationError(f"{file_name} {error}") from error
    if not parser.found.is_asap:
        raise AnnotationError(
            f"{file_name} is no XML of ASAP: there is no ASAP_Annotations in it"
        )
    return parser.found


class _Parser:
    """Takes elements as they begin; none of them has text in it."""

    def __init__(self) -> None:
        self.found = Found()

    def on_doctype(self, *_declaration: object) -> None:
        raise AnnotationError("declares a document type, which ASAP never does")

    def on_start(self, element: str, attributes: dict[str, str]) -> None:
        found = self.found
        if element == "ASAP_Annotations":
            found.is_asap = True
        elif element == "Annotation":
            name, kind, group, colour = (
                attributes.get(key, "")
                for key in ("Name", "Type", "PartOfGroup", "Color")
            )
            found.annotations.append(Annotation(name, kind, group, colour))
        elif element == "Coordinate" and found.annotations:
            found.annotations[-1].points.append(self._point(attributes))
        elif element == "Group":
            found.colours[attributes.get("Name", "")] = attributes.get("Color", "")

    def _point(self, attributes: dict[str, str]) -> tuple[float, float]:
        try:
            x, y = (float(attributes[name].replace(",", ".")) for name in "XY")
        except (KeyError, ValueError) as error:
            raise AnnotationError(
                f"has the coordinate {str(attributes)[:80]} in annotation "
                f"{len(self.found.annotations)}; expected numbers X and Y"
            ) from error
        return x, y
