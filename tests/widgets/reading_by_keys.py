"""A reader in a process of its own: answers by keys, says when a picture is shown."""

import os
import sys

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_histossl.widgets.study_reader import open_reader

SHOWN = b"the next picture is shown"


def read(path: str, answers: int) -> None:
    application = QApplication([])
    window = open_reader(path, "anna")
    show = window.picture.show_picture

    def said(image):
        os.write(2, SHOWN)
        show(image)

    window.picture.show_picture = said
    window.show()
    QTest.keyClick(window, Qt.Key.Key_Return)
    for _ in range(answers):
        while not window.picture.is_seen:
            application.processEvents()
        for key in (Qt.Key.Key_S, Qt.Key.Key_2):
            QTest.keyClick(window, key)
    window.close()


if __name__ == "__main__":
    read(sys.argv[1], int(sys.argv[2]))
