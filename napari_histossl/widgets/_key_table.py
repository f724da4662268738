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
# no Shift and a letter of napari's modes: napari 0.9.2 keeps what was before a mode key
# was pressed, and goes back to it whenever that letter is let go later, Shift or not
POLYGON = Key("3", "outline corner by corner")
LASSO = Key("O", "outline freehand")
FILL = Key("F", "fill what is connected")
HOLES = Key("U", "fill the holes of an object")
WAND = Key("W", "wand: grow by colour")
TAKE = Key("A", "take what a model proposes")
PICK = Key("L", "pick the class under the mouse")
PROTECT = Key("B", "do not paint over what is painted")
SMALLER, LARGER = Key("[", "smaller brush"), Key("]", "larger brush")
FINISH = Key("Enter", "close the outline")
STEP_BACK = Key("Backspace", "take the last corner back")
GIVE_UP = Key("Escape", "give up what is being drawn")
NEXT_OBJECT = Key("N", "next object of the list")
PREVIOUS_OBJECT = Key("Shift-N", "previous object of the list", "Shift+N")
ACCEPT = Key("Enter", "accept the object, and go to the next open one")
REJECT = Key("Backspace", "reject the object, and go to the next open one")
HOLD_TO_MOVE = Key("Space", "move the slide, whatever the tool", "Space held")

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
            POLYGON,
            LASSO,
            FILL,
            HOLES,
            WAND,
            TAKE,
            PICK,
            MOVE,
            HOLD_TO_MOVE,
            PROTECT,
            SMALLER,
            LARGER,
            Key("", "choose a class", "letter on its button"),
            Key("", "take away instead, with outlines, wand and take", "Alt held"),
            Key("", "close, one corner back, give up", "Enter   Backspace   Esc"),
            Key("", "undo, redo", "Ctrl+Z   Ctrl+Shift+Z"),
        ),
    ),
    (
        "On a mask, while Review with keys is on",
        (NEXT_OBJECT, PREVIOUS_OBJECT, ACCEPT, REJECT),
    ),
)
"""Title of a group, and its keys, in the order in which people read them."""
