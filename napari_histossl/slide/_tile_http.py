"""Zarr over HTTP, over connections that stay open from tile to tile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from zarr.abc.store import (
    ByteRequest,
    OffsetByteRequest,
    RangeByteRequest,
    Store,
    SuffixByteRequest,
)
from zarr.core.buffer import Buffer, BufferPrototype

from napari_histossl.errors import SlideReadError, SlideUnreachableError

_TIMEOUT_S = 30.0
"""A server that says nothing for so long is taken to be away."""

_AT_ONCE = 16
"""Requests in flight. They have threads of their own: a server that hangs must not take
those in which zarr decodes."""

_MISSING = (404, 410)
"""Answers that mean: there is no such chunk, it holds the fill value."""

_LATER = (408, 425, 429)
"""Answers that mean: come back later, as do all from 500."""


class HttpStore(Store):
    """Keys below an address, read by GET; cannot be listed or written.

    Parameters
    ----------
    url : str
        Address of the group, http or https.
    """

    supports_writes = False
    supports_deletes = False
    supports_listing = False

    def __init__(self, url: str) -> None:
        super().__init__(read_only=True)
        self.url = url.rstrip("/")
        self._threads = ThreadPoolExecutor(_AT_ONCE, "zarr-http")
        self._session = make_session()

    async def _fetch(self, key: str, part: ByteRequest | None) -> bytes | None:
        loop = asyncio.get_running_loop()
        address = f"{self.url}/{key}"
        return await loop.run_in_executor(
            self._threads, fetch, address, part, self._session
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HttpStore) and other.url == self.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __repr__(self) -> str:
        return self.url

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Return the bytes of a key, or None if there are none; see `Store.get`."""
        data = await self._fetch(key, byte_range)
        return None if data is None else prototype.buffer.from_bytes(data)

    async def get_partial_values(
        self,
        prototype: BufferPrototype,
        key_ranges: Iterable[tuple[str, ByteRequest | None]],
    ) -> list[Buffer | None]:
        """Return parts of several keys; see `Store.get_partial_values`."""
        reads = [self.get(key, prototype, part) for key, part in key_ranges]
        return list(await asyncio.gather(*reads))

    async def exists(self, key: str) -> bool:
        """Return True if there are bytes under a key."""
        return await self._fetch(key, None) is not None

    async def set(self, key: str, value: Buffer) -> None:
        """Refused: a server is read only."""
        raise NotImplementedError

    async def delete(self, key: str) -> None:
        """Refused: a server is read only."""
        raise NotImplementedError

    def list(self) -> AsyncIterator[str]:
        """Refused: a server does not say what it has."""
        raise NotImplementedError

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """Refused: a server does not say what it has."""
        raise NotImplementedError

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """Refused: a server does not say what it has."""
        raise NotImplementedError


def make_session() -> requests.Session:
    """Return what keeps connections for several threads, proxies of the system used."""
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=_AT_ONCE))
    return session


def fetch(
    url: str,
    byte_range: ByteRequest | None = None,
    session: requests.Session | None = None,
) -> bytes | None:
    """Return what is at an address.

    Parameters
    ----------
    url : str
        Address, http or https.
    byte_range : ByteRequest, optional
        Part of it.
    session : requests.Session, optional
        Connections to use again; else one is opened for this.

    Returns
    -------
    bytes or None
        None if the server says that there is nothing.

    Raises
    ------
    SlideUnreachableError
        If the server does not answer or asks to come back later.
    SlideReadError
        If the server refuses.
    """
    if not url.startswith(("http://", "https://")):
        raise SlideReadError(f"{url} is no web address; expected http:// or https://")
    headers = {} if byte_range is None else {"Range": _range_header(byte_range)}
    try:
        answer = (session or requests).get(url, headers=headers, timeout=_TIMEOUT_S)
    except (requests.RequestException, OSError) as error:
        raise SlideUnreachableError(
            f"{url} does not answer ({_reason(error)}); the network or the server may "
            f"be away"
        ) from error
    if answer.status_code >= 300:
        _refuse_unless_missing(url, answer.status_code, answer.reason)
        return None
    data: bytes = answer.content
    if byte_range is not None and answer.status_code == 200:  # all or nothing here
        return data[_slice(byte_range)]
    return data


def _reason(error: BaseException) -> str:
    """Return the innermost reason: the outer ones repeat the address."""
    inner = error
    while inner.args and isinstance(inner.args[-1], BaseException):
        inner = inner.args[-1]
    inner = getattr(inner, "reason", None) or inner
    return str(getattr(inner, "strerror", None) or inner)


def _refuse_unless_missing(url: str, code: int, reason: Any) -> None:
    if code in _MISSING:
        return
    sentence = f"{url} cannot be read: the server answers {code} {reason}"
    if code >= 500 or code in _LATER:
        raise SlideUnreachableError(f"{sentence}; it may do so later")
    raise SlideReadError(f"{sentence}; check the address and your rights there")


def _range_header(part: ByteRequest) -> str:
    match part:
        case RangeByteRequest(start=start, end=end):
            return f"bytes={start}-{end - 1}"
        case OffsetByteRequest(offset=offset):
            return f"bytes={offset}-"
        case SuffixByteRequest(suffix=suffix):
            return f"bytes=-{suffix}"


def _slice(part: ByteRequest) -> slice:
    match part:
        case RangeByteRequest(start=start, end=end):
            return slice(start, end)
        case OffsetByteRequest(offset=offset):
            return slice(offset, None)
        case SuffixByteRequest(suffix=suffix):
            return slice(-suffix, None)
