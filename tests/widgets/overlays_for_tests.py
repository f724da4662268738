"""What the tests of the Overlays page share: known numbers, a press on a button."""

from __future__ import annotations

import numpy as np
from conftest_gui import PATIENCE_MS

from napari_histossl.geometry import Box
from napari_histossl.overlays.plan import MEANINGS, UNITS
from napari_histossl.store import Pyramid
from napari_histossl.store.paths import overlay_path

TOKENS = 16
TOKEN_PX = 8


def known_values(rows, columns):
    """Numbers of three heads: along the rows, along the columns, and of squares."""
    row, column = np.mgrid[:rows, :columns].astype(np.float32)
    values = np.stack([row / rows, column / columns, (row // 8 + column // 8) % 2])
    return values.astype(np.float16)


def write_overlay(slide, folder, name="attention drawn", values=None, **told):
    """Write an overlay of the slide, 8 px a token, and return its path and numbers."""
    height, width = slide.levels[0].shape
    shape = -(-height // TOKEN_PX), -(-width // TOKEN_PX)
    values = known_values(*shape) if values is None else values
    names = told.pop("names", tuple(f"head {i}" for i in range(len(values))))
    parameters = {
        "kind": "attention",
        "values": MEANINGS["relative"],
        "unit": UNITS["relative"],
        "tile_px": TOKENS * TOKEN_PX,
        "token_px": TOKEN_PX,
        "step_px": TOKENS * TOKEN_PX,
        "block": -1,
        "mpp_yx": [0.5, 0.5],
        **told,
    }
    path = overlay_path(folder, name)
    with Pyramid.create(
        path,
        shape=values.shape,
        dtype=np.float16,
        chunk_px=256,
        pixel_um_yx=(TOKEN_PX * 0.5,) * 2,
        pixel_px0_yx=(float(TOKEN_PX),) * 2,
        channel_names=names,
        fill_value=np.nan,
        provenance={
            "model": "vit_sample_patch8",
            "weights_sha256": "0123abcd" * 8,
            "slide": {"fingerprint": slide.source.fingerprint},
            "parameters": parameters,
        },
    ) as pyramid:
        pyramid.write(Box(0, 0, *values.shape[1:]), values)
        pyramid.refresh()
    return path, values.astype(np.float32)


def press(qtbot, button):
    """Click a button that can be seen, as soon as it can be pressed."""
    from qtpy.QtCore import Qt

    qtbot.waitUntil(button.isEnabled, timeout=PATIENCE_MS)
    assert button.isVisible(), f"{button.text()} is not to be seen"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
