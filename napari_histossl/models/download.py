"""A file from the web: it goes on where it was cut, and is not used unless it is whole.

What has arrived lies in ``NAME.partial`` beside the target; the server's mark of the
file in ``NAME.partial.etag``, so that two versions of a file are never put together.
"""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_histossl.errors import WeightsError
from napari_histossl.jobs import Progress

_CHUNK_BYTES = 1 << 18
_TIMEOUT_S = 30
_MEGABYTE = 1_000_000

_HTTP_RANGE_REFUSED = 416
_HTTP_PARTIAL = 206


def download(
    url: str, target: str | Path, *, sha256: str | None = None
) -> Iterator[Progress]:
    """Fetch a file, or the rest of it.

    Parameters
    ----------
    url : str
        ``https://`` or ``http://``.
    target : str or Path
        The file to be made; its folder exists.
    sha256 : str, optional
        Its hash or the first digits of it, hexadecimal.

    Yields
    ------
    Progress
        Megabytes that are there, of all. Closing the generator stops the download;
        the next one goes on from there.

    Raises
    ------
    WeightsError
        If there is no such file, the connection is cut and cuts do not get further, or
        the file is not the one with the hash.
    """
    _check(url)
    partial = Path(f"{target}.partial")
    while True:
        before = _size(partial)
        try:
            yield from _receive(url, partial)
            break
        except urllib.error.HTTPError as error:
            raise WeightsError(
                f"{url} cannot be fetched: the server answers {error.code} "
                f"{error.reason}; fetch the file by hand, then add it"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            # A cut that got further is taken up at once; one that did not is told.
            if _size(partial) <= before:
                raise WeightsError(
                    f"{url} cannot be fetched at {_size(partial):,} bytes ({error}); "
                    f"give the same command again to go on from there"
                ) from error
    _verify(partial, sha256, url)
    _etag(partial).unlink(missing_ok=True)
    partial.replace(target)


def _check(url: str) -> None:
    if not url.startswith(("https://", "http://")):
        raise WeightsError(
            f"files are fetched from https:// and http:// alone; got {url}"
        )


def _receive(url: str, partial: Path) -> Iterator[Progress]:
    """Append to the partial file what is missing of it."""
    have = _size(partial)
    request = urllib.request.Request(url, headers=_headers(partial, have))  # noqa: S310 - checked
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310 - checked
    except urllib.error.HTTPError as error:
        if error.code != _HTTP_RANGE_REFUSED or not have:
            raise
        if error.headers.get("Content-Range", "").endswith(f"*/{have}"):
            return  # all of it was there
        partial.unlink()
        yield from _receive(url, partial)
        return
    with response:
        if response.status != _HTTP_PARTIAL:
            have = 0  # the server does not go on, or has another file now
        _remember(partial, response)
        yield from _append(response, partial, have)


def _headers(partial: Path, have: int) -> dict[str, str]:
    headers = {"User-Agent": "napari-histossl"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if _etag(partial).exists():
            headers["If-Range"] = _etag(partial).read_text("utf-8")
    return headers


def _remember(partial: Path, response: Any) -> None:
    mark = response.headers.get("ETag", "")
    if mark and not mark.startswith("W/"):  # a weak mark is no promise of equal bytes
        _etag(partial).write_text(mark, "utf-8")
    else:
        _etag(partial).unlink(missing_ok=True)


def _append(response: Any, partial: Path, have: int) -> Iterator[Progress]:
    length = response.headers.get("Content-Length")
    total = have + int(length) if length else 0
    with partial.open("r+b" if have else "wb") as stream:
        stream.seek(have)
        while chunk := response.read(_CHUNK_BYTES):
            _write(stream, chunk, partial)
            have += len(chunk)
            yield Progress(
                have // _MEGABYTE,
                -(-total // _MEGABYTE),
                message=f"{have / _MEGABYTE:,.1f} of {total / _MEGABYTE:,.1f} MB",
            )
    if have < total:
        raise ConnectionError(f"the connection was cut {total - have:,} bytes early")


def _write(stream: Any, chunk: bytes, partial: Path) -> None:
    try:
        stream.write(chunk)
        stream.flush()
    except OSError as error:
        raise WeightsError(
            f"{partial} cannot be written ({error.strerror}); make room, then give the "
            f"same command again to go on"
        ) from error


def _verify(partial: Path, sha256: str | None, url: str) -> None:
    """Delete what has not the right hash: going on with it could never end well."""
    if sha256 is None:
        return
    with partial.open("rb") as stream:
        got = hashlib.file_digest(stream, "sha256").hexdigest()
    if not got.startswith(sha256):
        partial.unlink()
        _etag(partial).unlink(missing_ok=True)
        raise WeightsError(
            f"{url} is not the file that is expected: its sha256 is {got[:16]}..., "
            f"expected {sha256[:16]}...; what was fetched is deleted"
        )


def _etag(partial: Path) -> Path:
    return Path(f"{partial}.etag")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
