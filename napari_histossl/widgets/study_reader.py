"""Open the reading window, or say in it why that cannot be done."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication

from napari_histossl.errors import StudyError
from napari_histossl.study.session import Session
from napari_histossl.widgets._study_frame import Frame
from napari_histossl.widgets._study_texts import in_html
from napari_histossl.widgets._study_window import ReaderWindow

__all__ = ["ReaderWindow", "RefusalWindow", "open_reader", "read_study"]


class RefusalWindow(Frame):
    """Says in one sentence why a study cannot be read now.

    Parameters
    ----------
    error : StudyError
        What was found.
    """

    def __init__(self, error: StudyError) -> None:
        super().__init__()
        title = "This study cannot be read now"
        self.show_message(title, in_html(error), "Close", self.close)


def open_reader(study_path: str | Path, reader: str, code: str = "") -> ReaderWindow:
    """Open a study for a reader; the window is not shown yet.

    Parameters
    ----------
    study_path : path
        The study file or pack.
    reader : str
        Pseudonym.
    code : str
        Opens the pictures of a pack; empty for a study that is not sealed.

    Raises
    ------
    StudyError
        If the file is no study, cannot be written, does not know the reader, or must
        not be read now.
    """
    display = _describe_display()
    return ReaderWindow(Session.open(study_path, reader, display=display, code=code))


def _describe_display() -> str:
    screen = QGuiApplication.primaryScreen()
    if screen is None:
        return ""
    size, scale = screen.size(), screen.devicePixelRatio()
    return f"{size.width()} x {size.height()} at scale {scale:g}"


def read_study(study_path: str | Path, reader: str, code: str = "") -> None:
    """Let a reader read, in a window of its own; returns when it is closed.

    Parameters
    ----------
    study_path, reader, code : path, str, str
        As `open_reader`.

    Raises
    ------
    StudyError
        As `open_reader`; the reader has seen it in a window by then.
    """
    application = QApplication.instance()
    if application is None:
        application = QApplication([])
    refused: StudyError | None = None
    window: Frame
    try:
        window = open_reader(study_path, reader, code)
    except StudyError as error:
        refused, window = error, RefusalWindow(error)
    window.showFullScreen()
    application.exec()
    if refused is not None:
        raise refused
