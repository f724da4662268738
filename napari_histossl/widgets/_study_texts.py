"""What the reading window says, in HTML."""

from __future__ import annotations

import html

from napari_histossl.study.session import CONFIDENCES, Session

ANSWER_KEPT = (
    "Your answer is kept in this window, and all earlier answers are on the disk. "
    "Leave the window open: it tries again by itself, and when you say so."
)
"""Said when an answer could not be saved."""

OUT_OF_TURN = (
    "It has an answer, perhaps from another window in which you are reading. That "
    "answer stays; go on with the next picture."
)
"""Said when an answer came too late."""

SAVED_LATER = (
    "What stopped it is gone, and your answer is on the disk. Go on when you like."
)
"""Said when an answer could be saved after all, by itself."""

CLOSING_UNSAVED = (
    "All earlier answers are on the disk. If you close the window now, this picture is "
    "shown again next time, and you answer it anew."
)
"""Said to who closes the window while an answer cannot be saved."""

_KEYS = (
    ("R or ←", "real"),
    ("S or →", "synthetic"),
    ("1&nbsp; 2&nbsp; 3", "maybe, probably, definitely{saves}"),
    ("Esc", "take the choice back before it is saved"),
    ("+&nbsp; &minus;&nbsp; 0", "zoom, or the mouse wheel; Shift and arrows move"),
    ("P", "pause"),
)


def introduce(session: Session) -> str:
    """Return what a reader is told before the first picture."""
    asked = session.asked
    more = [asked.third_question, "the reasons" if asked.reasons else ""]
    more += ["the place that gave it away" if asked.mark else ""]
    has_more = any(more)
    return (
        "<p>You will see one picture at a time. For each, say whether it is real or "
        "synthetic, then how sure you are.</p>"
        + _about_training(session.training)
        + _table("" if has_more else ": this saves the answer")
        + f"<p>{_about_way_back(asked.way_back)} You can close the window at any time "
        "and go on later: every answer that the window calls saved is on the disk.</p>"
    )


def _about_training(count: int) -> str:
    if not count:
        return ""
    return (
        f"<p>The first {count} pictures are for training: after each you are told what "
        f"it was. In the test that follows nothing is told.</p>"
    )


def _about_way_back(allowed: bool) -> str:
    if allowed:
        return (
            "B goes back to earlier pictures; your first answer stays on record beside "
            "the new one."
        )
    return "There is no going back to a picture."


def _table(saves: str) -> str:
    rows = "".join(
        f"<tr><td style='padding-right: 24px'><b>{key}</b></td>"
        f"<td>{what.format(saves=saves)}</td></tr>"
        for key, what in _KEYS
    )
    return (
        f"<table cellpadding='3' style='margin-top: 10px; margin-bottom: 10px'>{rows}"
        f"</table>"
    )


def welcome_back(done: int, total: int) -> str:
    """Return what is said to a reader who goes on."""
    return f"<p>Welcome back: {done} of {total} are read.</p>" if done else ""


def training_over(count: int) -> str:
    """Return what is said between training and test."""
    return (
        f"<p>The training is over. {count} pictures follow. From now on nothing tells "
        f"you what a picture was, and your answers count.</p>"
        f"<p>There need not be as many real as synthetic pictures, and what comes next "
        f"does not depend on your answers.</p>"
    )


def describe_pause(done: int, total: int) -> str:
    """Return what is said while the reader pauses."""
    return (
        f"<p>{done} of {total} pictures are read and saved. The time of this picture "
        f"stands still. You can go on now, or close the window and go on another day "
        f"with the same picture.</p>"
    )


def describe_idle(minutes: int) -> str:
    """Return why the window paused by itself."""
    return f"<p>Nobody did anything for {minutes} minutes.</p>"


def describe_break(count: int, done: int, total: int) -> str:
    """Return what is said when it is time for a break."""
    return (
        f"<p>You have read {count} pictures without a break. Rest your eyes: look at "
        f"something far away for a while.</p><p>{done} of {total} pictures are read "
        f"and saved. You can go on when you like, today or another day.</p>"
    )


def describe_feedback(synthetic: bool, answer: bool, confidence: int) -> str:
    """Return what the picture was, beside what the reader said; plain text."""
    named, said = (name_of(value) for value in (synthetic, answer))
    verdict = "✓  Right" if synthetic == answer else "✗  Not so"
    return (
        f"{verdict}: this picture is {named}. You said {CONFIDENCES[confidence]} "
        f"{said}."
    )


def name_of(synthetic: bool) -> str:
    """Return the name of a class."""
    return "synthetic" if synthetic else "real"


FINISHED = (
    "Thank you. Every answer is saved, you can close this window. The results are "
    "opened by the owner of the study."
)
"""Said after the last picture."""


def in_html(error: Exception) -> str:
    """Return the sentence of an error, capitalised and escaped."""
    sentence = str(error)
    return html.escape(sentence[:1].upper() + sentence[1:])
