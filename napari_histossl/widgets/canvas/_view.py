"""Which part of a slide a canvas shows, from the transforms that vispy draws with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vispy.scene import ViewBox


@dataclass(frozen=True, slots=True)
class View:
    """What is seen of a slide.

    Attributes
    ----------
    corners_px0 : ndarray of shape (4, 2)
        Corners of the canvas, (row, column) in level-0 pixels from the outer edge.
    px0_per_pixel : float
        Level-0 pixels under a physical pixel of the screen, along the side where they
        are fewer.
    size_px : tuple of int
        Height and width in physical pixels of the screen.
    """

    corners_px0: NDArray[np.float64]
    px0_per_pixel: float
    size_px: tuple[int, int]

    def is_same(self, other: View | None) -> bool:
        """Return True if the camera has not moved between the two."""
        return (
            other is not None
            and self.size_px == other.size_px
            and bool((self.corners_px0 == other.corners_px0).all())
        )

    def moved_from(self, other: View | None) -> tuple[float, float]:
        """Return by how many level-0 pixels the middle has moved, down and right."""
        if other is None:
            return 0.0, 0.0
        down, right = (self.corners_px0 - other.corners_px0).mean(0)
        return float(down), float(right)


def find_view(node: Any) -> View | None:
    """Return what a canvas shows of a node, or None if it shows nothing of it.

    Parameters
    ----------
    node : vispy.scene.Node
        Its own coordinates are level-0 pixels, (x, y).

    Notes
    -----
    Rotation, the cells of a grid and screens with more physical than logical pixels
    are all in the transforms. A canvas without size shows nothing.
    """
    scene = node.scene_node
    box = scene.parent
    if not isinstance(box, ViewBox) or node.canvas is None:
        return None
    width, height = box.rect.size
    if width < 1 or height < 1:
        return None
    edges = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    in_scene = scene.transform.imap(edges)[:, :2]
    to_scene = _to_scene(node, scene)
    corners = (in_scene - to_scene[3, :2]) @ np.linalg.inv(to_scene[:2, :2])
    right = np.hypot(*(corners[1] - corners[0])) / width
    down = np.hypot(*(corners[3] - corners[0])) / height
    ratio = float(node.canvas.pixel_scale)
    return View(
        corners[:, ::-1],
        float(min(right, down)) / ratio,
        (round(height * ratio), round(width * ratio)),
    )


def _to_scene(node: Any, scene: Any) -> NDArray[np.float64]:
    """Return the matrix from a node to its scene, for row vectors from the right."""
    matrix = np.eye(4)
    while node is not scene:
        matrix = matrix @ node.transform.matrix
        node = node.parent
    return matrix
