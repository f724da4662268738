"""What a reader is asked of each picture, as a study file says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked beside real or synthetic, and how a session goes.

    Attributes
    ----------
    third_question : str
        Asked of every picture; empty for none.
    third_choices : tuple of str
        Answers to it.
    reasons : tuple of str
        What may have given a picture away, asked where it is called synthetic.
    mark : bool
        Whether the place that gave it away is asked for as well.
    way_back : bool
        Whether an earlier answer may be corrected.
    break_after : int
        Pictures after which a break is proposed; 0 for never.
    idle_s : float
        Seconds without input that count as idle.
    """

    third_question: str = ""
    third_choices: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    mark: bool = False
    way_back: bool = False
    break_after: int = 50
    idle_s: float = 30.0

    def as_facts(self) -> dict[str, str]:
        """Return what `of_facts` reads."""
        return {
            "third_question": self.third_question,
            "third_choices": "\n".join(self.third_choices),
            "reasons": "\n".join(self.reasons),
            "mark": str(int(self.mark)),
            "way_back": str(int(self.way_back)),
            "break_after": str(self.break_after),
            "idle_s": repr(self.idle_s),
        }

    @classmethod
    def of_facts(cls, facts: Mapping[str, str]) -> Self:
        """Return what the facts of a study file say; what is left out is as usual."""
        return cls(
            third_question=facts.get("third_question", ""),
            third_choices=_lines(facts, "third_choices"),
            reasons=_lines(facts, "reasons"),
            mark=facts.get("mark") == "1",
            way_back=facts.get("way_back") == "1",
            break_after=int(facts.get("break_after", "50")),
            idle_s=float(facts.get("idle_s", "30")),
        )


def _lines(facts: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(line for line in facts.get(name, "").split("\n") if line)
