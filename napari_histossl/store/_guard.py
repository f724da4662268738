"""Turn what zarr and the system raise into one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_histossl.errors import HistoSSLError, StoreError


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Raise `StoreError` for whatever goes wrong inside."""
    try:
        yield
    except HistoSSLError:
        raise  # also the errors of a slide, which are OSErrors
    except FileNotFoundError as error:
        raise StoreError(f"{path} is not an OME-Zarr ({error})") from error
    except OSError as error:
        raise StoreError(
            f"{path} cannot be read or written ({error.strerror or error}); nothing "
            f"that was there is lost: make room or choose another workspace folder"
        ) from error
    except (ValueError, KeyError, RuntimeError) as error:
        raise StoreError(f"{path} is damaged or not an OME-Zarr ({error})") from error
