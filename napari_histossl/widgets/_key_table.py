"""The keys of the dock: what they are, what they do, where they work.

npe2 registers no keys. Whoever binds one takes it from here, and the list that a
person sees is made from here too. Keys of napari that mean something on a page stand
in the list as well: they are napari's, and only said here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes
    ----------
    name : str
        As napari and Qt call it.
    what : str
        What it does.
    said : str
        As people read it, where that is not the name.
    """

    name: str
    what: str
    said: str = ""

    @property
    def words(self) -> str:
        """The key as people read it."""
        return self.said or self.name


HELP = Key("?", "this list")
TURN_LEFT = Key(",", "turn the slide a quarter to the left", ",  comma")
TURN_RIGHT = Key(".", "turn the slide a quarter to the right", ".  full stop")
NEXT_SLIDE = Key("PageDown", "next slide of the worklist", "Page Down")
PREVIOUS_SLIDE = Key("PageUp", "previous slide of the worklist", "Page Up")
PEEK = Key("H", "look under the overlays", "H  held")
END_POINTING = Key("Escape", "lay the pointer aside", "Esc")
MAKE_MASK = Key("K", "make a mask of the classes on the slide")
PAINT = Key("P", "brush")
ERASE = Key("E", "eraser")
MOVE = Key("Z", "move the slide")

TABLE: tuple[tuple[str, tuple[Key, ...]], ...] = (
    (
        "On the slide and its overlays",
        (PEEK, TURN_LEFT, TURN_RIGHT, NEXT_SLIDE, PREVIOUS_SLIDE, MAKE_MASK, HELP),
    ),
    (
        "While pointing at tissue",
        (
            Key("", "ask for this place, or pin it", "Click"),
            Key("", "ask for all patches in a box", "Shift + drag"),
            END_POINTING,
        ),
    ),
    (
        "On a mask",
        (
            PAINT,
            ERASE,
            MOVE,
            Key("", "smaller, larger brush", "[   ]"),
            Key("", "choose a class", "letter on its button"),
            Key("", "undo, redo", "Ctrl+Z   Ctrl+Shift+Z"),
        ),
    ),
)
"""Title of a group, and its keys, in the order in which people read them."""
