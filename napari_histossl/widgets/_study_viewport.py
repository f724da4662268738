"""Which part of a picture is seen how large, and what the reader did to it. No Qt.

Lengths of the screen are in its own pixels, so that a pixel of the picture covers a
whole number of them, or the other way round.
"""

from __future__ import annotations

import math
from typing import Any

LARGEST_FIT = 4
"""Screen pixels per picture pixel at first, at most: beyond, pixels look like tiles."""

LARGEST_ZOOM = 12
"""Screen pixels per picture pixel, at most."""

_MARGIN_PX = 16
"""Grey left free around the picture at least, in screen pixels."""

_SCALES = (*(1 / n for n in (16, 12, 8, 6, 4, 3, 2)), 1, 2, 3, 4, 6, 8, LARGEST_ZOOM)

_SHORTEST_VIEW_MS = 100
"""Views that were shorter are passed through, not looked at."""

_MOST_VIEWS = 200
"""Views that are kept of one picture."""


class Viewport:
    """The picture's place on the screen, and a log of how it came there.

    Parameters
    ----------
    picture_px : tuple of int
        Height and width of the picture.
    """

    def __init__(self, picture_px: tuple[int, int]) -> None:
        self._picture_px = picture_px
        self._room_px = (1.0, 1.0)
        self._centre = (picture_px[0] / 2, picture_px[1] / 2)
        self._scale: float | None = None
        self._zooms = self._pans = 0
        self._largest: float = 0
        self._views: list[list[int]] = []
        self._view_since_ms = 0

    # ---- geometry

    def set_room(self, height: float, width: float) -> None:
        """Say how large the window is."""
        self._room_px = (height, width)
        self._largest = max(self._largest, self.scale)

    @property
    def fit(self) -> float:
        """The scale that shows the picture whole."""
        free = [max(room - 2 * _MARGIN_PX, 1) for room in self._room_px]
        both = zip(free, self._picture_px, strict=True)
        fits = min(room / size for room, size in both)
        if fits >= 1:
            return float(min(math.floor(fits), LARGEST_FIT))
        return 1 / math.ceil(1 / fits)

    @property
    def scale(self) -> float:
        """Screen pixels per picture pixel: a whole number, or one over one."""
        return self.fit if self._scale is None else self._scale

    @property
    def is_whole(self) -> bool:
        """Whether the picture is shown as it was at first."""
        return self._scale is None

    def place(self) -> tuple[int, int, float, float]:
        """Return top, left, height and width of the picture on the screen."""
        top, left = (
            math.floor(room / 2 - centre * self.scale)
            for room, centre in zip(self._room_px, self._held_centre(), strict=True)
        )
        height, width = (size * self.scale for size in self._picture_px)
        return top, left, height, width

    def picture_point(self, y: float, x: float) -> tuple[float, float]:
        """Return the row and column of the picture under a point of the screen."""
        top, left, _height, _width = self.place()
        return (y - top) / self.scale, (x - left) / self.scale

    def seen_box(self) -> tuple[int, int, int, int]:
        """Return first row, first column, height and width of what is seen."""
        rows, columns = (
            (max(math.floor(first), 0), min(math.ceil(last), size))
            for first, last, size in zip(
                self.picture_point(0, 0),
                self.picture_point(*self._room_px),
                self._picture_px,
                strict=True,
            )
        )
        return rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0]

    def _held_centre(self) -> tuple[float, float]:
        """Return the point in the middle: a picture that fits stays in the middle."""
        return self._held(0), self._held(1)

    def _held(self, axis: int) -> float:
        size, centre = self._picture_px[axis], self._centre[axis]
        reach = max(self._room_px[axis] / 2 - _MARGIN_PX, 0) / self.scale
        if size <= 2 * reach:
            return size / 2
        return min(max(centre, reach), size - reach)

    # ---- what the reader does

    def zoom(self, steps: int, at: tuple[float, float] | None, now_ms: int) -> bool:
        """Zoom in by steps, about a point of the screen; return whether that changed.

        Parameters
        ----------
        steps : int
            Above 0 larger, below 0 smaller.
        at : tuple of float or None
            Row and column on the screen that stay where they are; None for the middle.
        now_ms : int
            On the picture's clock.
        """
        scale = self._stepped(steps)
        if scale == self.scale:
            return False
        self._close_view(now_ms)
        room_y, room_x = self._room_px
        y, x = (room_y / 2, room_x / 2) if at is None else at
        row, column = self.picture_point(y, x)
        self._scale = scale
        middle = (row + (room_y / 2 - y) / scale, column + (room_x / 2 - x) / scale)
        self._centre = middle
        self._centre = self._held_centre()
        self._zooms += 1
        self._largest = max(self._largest, scale)
        return True

    def _stepped(self, steps: int) -> float:
        smallest = min(self.fit, 1.0)
        scales = sorted({*_SCALES, self.fit, self.scale})
        scales = [scale for scale in scales if scale >= smallest]
        place = scales.index(self.scale) + steps
        return scales[min(max(place, 0), len(scales) - 1)]

    def pan(self, down: float, right: float, now_ms: int) -> bool:
        """Move the picture by screen pixels; return whether it moved.

        Whoever drags calls this often and `count_pan` once.
        """
        before = self.place()
        centre = self._held_centre()
        moved = (centre[0] - down / self.scale, centre[1] - right / self.scale)
        kept, self._centre = self._centre, moved
        if self.place() == before:
            self._centre = kept
            return False
        self._centre = kept
        self._close_view(now_ms)
        self._centre = moved
        self._centre = self._held_centre()
        return True

    def count_pan(self) -> None:
        """Note that the picture was moved once more."""
        self._pans += 1

    def show_whole(self, now_ms: int) -> bool:
        """Show the picture as at first; return whether that changed anything."""
        if self._scale is None:
            return False
        self._close_view(now_ms)
        self._scale = None
        self._zooms += 1
        return True

    # ---- log

    def _close_view(self, now_ms: int) -> None:
        """Keep what was seen until now, if it was looked at."""
        seen_ms = now_ms - self._view_since_ms
        if seen_ms >= _SHORTEST_VIEW_MS and len(self._views) < _MOST_VIEWS:
            self._views.append([*self.seen_box(), seen_ms])
        self._view_since_ms = now_ms

    def log(self, now_ms: int) -> dict[str, Any]:
        """Return what the reader did, as JSON takes it.

        ``views`` are boxes of the picture (first row, first column, height, width) and
        for how many milliseconds each was seen; none if the picture was always whole.
        """
        counts = {
            "zooms": self._zooms,
            "pans": self._pans,
            "first_scale": round(self.fit, 4),
            "largest_scale": round(self._largest, 4),
        }
        if not self._views and self._scale is None:
            return counts
        last = [*self.seen_box(), max(now_ms - self._view_since_ms, 0)]
        return {**counts, "views": [*self._views, last]}
