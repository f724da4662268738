"""The one place where errors and news are shown to the person."""

from __future__ import annotations

import logging

from napari.utils import notifications

from napari_histossl.errors import HistoSSLError

_log = logging.getLogger(__name__)


def show_error(error: Exception) -> None:
    """Show one sentence for an error; the log keeps the trace.

    Parameters
    ----------
    error : Exception
        An error of this package is shown as its own sentence. Any other is a defect:
        it is shown with its type, and the notification offers the trace.
    """
    if isinstance(error, HistoSSLError):
        _log.info("shown to the person", exc_info=error)
        notifications.show_error(str(error))
        return
    _log.error("unexpected error", exc_info=error)
    notifications.notification_manager.receive_error(
        type(error), error, error.__traceback__
    )


def show_info(text: str) -> None:
    """Show one sentence that is not an error."""
    notifications.show_info(text)
