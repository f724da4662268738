"""The sample slide, and where the sample data that ship with the package lie."""

from __future__ import annotations

from pathlib import Path

import napari_histossl
from napari_histossl.errors import SlideOpenError
from napari_histossl.phantom.slide import PhantomSource

SAMPLE_SEED = 125
"""A slide that shows glands, nests, stroma, clusters of lymphocytes and necrosis."""

SAMPLE_HEIGHT = 4096
"""Level-0 pixels."""

SAMPLE_WIDTH = 6144
"""Level-0 pixels."""

SAMPLE_MPP = 0.5
"""Micrometres per level-0 pixel, as of a scan at 20 times."""

SAMPLE_SETTING = "v1"
"""Constants by which it is drawn."""

_FOLDER = "sample_data"


def sample_source() -> PhantomSource:
    """Return the record of the sample slide; `.open()` draws it without a file."""
    return PhantomSource(
        SAMPLE_SEED, SAMPLE_HEIGHT, SAMPLE_WIDTH, SAMPLE_MPP, SAMPLE_SETTING
    )


def sample_folder() -> Path:
    """Return the folder of the sample data.

    Returns
    -------
    Path
        Inside the package where it was installed from a wheel, else beside the package
        in a checkout.

    Raises
    ------
    SlideOpenError
        If neither is there.
    """
    package = Path(napari_histossl.__file__).parent
    candidates = (package / _FOLDER, package.parent / _FOLDER)
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise SlideOpenError(
        f"no sample data: looked for {candidates[0]} and {candidates[1]}; expected one "
        f"of them; install the package from its wheel, or run from a whole checkout"
    )
