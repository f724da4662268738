"""The one place where errors and news are shown to the person."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from napari.utils import notifications

from napari_histossl.errors import HistoSSLError
from napari_histossl.widgets._masking import masked

_log = logging.getLogger(__name__)


def show_error(error: Exception, hidden: Mapping[str, str] | None = None) -> None:
    """Show one sentence for an error; the log keeps the trace.

    Parameters
    ----------
    error : Exception
        An error of this package is shown as its own sentence. Any other is a defect:
        it is shown with its type, and the notification offers the trace.
    hidden : mapping of str to str, optional
        Names that people may not see, and what is said in their place.
    """
    if isinstance(error, HistoSSLError):
        _log.info("shown to the person", exc_info=error)
        notifications.show_error(masked(str(error), hidden or {}))
        return
    _log.error("unexpected error", exc_info=error)
    notifications.notification_manager.receive_error(
        type(error), error, error.__traceback__
    )


def show_info(text: str) -> None:
    """Show one sentence that is not an error."""
    notifications.show_info(text)
