"""Lists of a few entries that take no more room than they need."""

from __future__ import annotations

from qtpy.QtWidgets import QListWidget


def fit_height(shown: QListWidget, most: int) -> None:
    """Make a list as high as its entries, and no higher than so many of them."""
    count = min(shown.count(), most)
    heights = [shown.sizeHintForRow(row) for row in range(count)]
    shown.setFixedHeight(sum(heights) + 2 * shown.frameWidth() + 2)
