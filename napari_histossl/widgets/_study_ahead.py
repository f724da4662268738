"""The next picture, decoded before its turn."""

from __future__ import annotations

from qtpy.QtCore import QObject
from qtpy.QtGui import QImage

from napari_histossl.errors import StudyError
from napari_histossl.study.showings import Case
from napari_histossl.widgets._background_reads import BackgroundReads


class Ahead(QObject):
    """Keeps at most one decoded picture ready."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_decoded)
        self._ready: tuple[str, QImage] | None = None

    def prepare(self, case: Case) -> None:
        """Decode a picture in a thread."""
        self._reads.ask(case.case_id, lambda: decode(case))

    def _on_decoded(self, case_id: str, image: object) -> None:
        # A picture that is damaged is told of when its turn has come.
        if isinstance(image, QImage):
            self._ready = (case_id, image)

    def take(self, case: Case) -> QImage:
        """Return a picture, decoding it now if it is not ready.

        Raises
        ------
        StudyError
            If it is damaged.
        """
        ready, self._ready = self._ready, None
        if ready is not None and ready[0] == case.case_id:
            return ready[1]
        return decode(case)

    def drop(self) -> None:
        """Forget what waits."""
        self._reads.drop()
        self._ready = None


def decode(case: Case) -> QImage:
    """Return a picture in the form in which it is drawn fastest.

    Raises
    ------
    StudyError
        If it is damaged.
    """
    image = QImage.fromData(case.png)
    if image.isNull():
        raise StudyError(
            f"picture {case.position} is damaged; go back to a copy of the study file"
        )
    return image.convertToFormat(QImage.Format.Format_RGB32)
