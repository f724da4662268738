"""Where the files that ship with the package are."""

from __future__ import annotations

from pathlib import Path

from napari_histossl.errors import MissingResourceError

_FOLDER = "sample_data"


def sample_folder() -> Path:
    """Return the folder of the sample slide, its truth, and the sample weights.

    Returns
    -------
    Path
        Inside the package where it was installed from a wheel, else beside the package
        in a source tree.

    Raises
    ------
    MissingResourceError
        If the package was installed without its sample data.
    """
    package = Path(__file__).parent
    for folder in (package / _FOLDER, package.parent / _FOLDER):
        if (folder / "README.md").is_file():
            return folder
    raise MissingResourceError(
        f"the sample data is neither in {package} nor beside it; install the package "
        f"from its wheel, or run it from a source tree"
    )


def sample_file(name: str) -> Path:
    """Return the path of a sample file.

    Parameters
    ----------
    name : str
        Name in the folder, for instance ``"sample.svs"``.

    Raises
    ------
    MissingResourceError
        If it is not there.
    """
    path = sample_folder() / name
    if not path.is_file():
        raise MissingResourceError(
            f"{name} is not among the sample data in {path.parent}; install the "
            f"package again"
        )
    return path
