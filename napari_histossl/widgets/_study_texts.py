"""What the reading window says, in HTML."""

from __future__ import annotations

import html

_KEYS = (
    ("R or ←", "real"),
    ("S or →", "synthetic"),
    ("1&nbsp; 2&nbsp; 3", "maybe, probably, definitely: this saves the answer"),
    ("Esc", "take the choice back before it is saved"),
    ("P", "pause"),
)
INTRODUCTION = (
    "<p>You will see one picture at a time. For each, say whether it is real or "
    "synthetic, then how sure you are.</p>"
    "<table cellpadding='3' style='margin-top: 10px; margin-bottom: 10px'>"
    + "".join(
        f"<tr><td width='110'><b>{key}</b></td><td>{what}</td></tr>"
        for key, what in _KEYS
    )
    + "</table><p>There is no going back to a picture. You can close the window at any "
    "time and go on later: every answer that the window calls saved is on the disk.</p>"
)
"""What a reader is told before the first picture."""

ANSWER_KEPT = (
    "Your answer is kept in this window, and all earlier answers are on the disk. "
    "Leave the window open and try again when the cause is gone."
)
"""Said when an answer could not be saved."""


def in_html(error: Exception) -> str:
    """Return the sentence of an error, capitalised and escaped."""
    sentence = str(error)
    return html.escape(sentence[:1].upper() + sentence[1:])
