"""Sealing: pictures and truth that only a key opens, and codes that people can type.

Everything is sealed with AES-256-GCM: what was changed by a single bit does not open.
What a sealed text is for is part of the seal, so that none can be put in the place of
another. A key never lies beside what it opens.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study.order import derive
from napari_histossl.study.record import canonical

KEY_BYTES = 32
"""Length of a key: AES-256."""

_NONCE_BYTES = 12
_CODE_BYTES = 15
"""120 random bits in 24 characters: nobody guesses them."""

_HEADER_BYTES = 512
"""Room for what belongs to a picture; the rest of it is filled up."""

_KEY_FORMAT = "histostudy-key-1"


def seal(key: bytes, purpose: str, content: bytes) -> bytes:
    """Return a sealed text: 12 random bytes, then as long as the content and 16 more.

    Parameters
    ----------
    key : bytes
        32 bytes.
    purpose : str
        What it is for; `unseal` must say the same.
    content : bytes
        What nobody without the key may know.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, purpose.encode())


def unseal(key: bytes, purpose: str, sealed: bytes) -> bytes:
    """Return what was sealed.

    Raises
    ------
    StudyError
        If the key is another one, or a single bit was changed.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, text, purpose.encode())
    except (InvalidTag, ValueError) as error:
        raise StudyError(
            f"{purpose} does not open: the key or code belongs to another study or "
            f"reader, or the file was changed; go back to the file and the key that "
            f"were made together"
        ) from error


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture and what the program must know to show it.

    Attributes
    ----------
    png : bytes
        The picture.
    feedback : bool or None
        Whether it is synthetic, in the training block; None in the test.
    """

    png: bytes
    feedback: bool | None = None


class PictureSealer:
    """Seals pictures of one pack as records that are all of one length.

    Parameters
    ----------
    key : bytes
        Of the pack.
    pack_id : str
        Which pack; a record of another one does not open.
    """

    def __init__(self, key: bytes, pack_id: str) -> None:
        self._key, self._pack_id = key, pack_id

    def seal(self, name: str, shown: Shown, room_bytes: int) -> bytes:
        """Return the record of a picture, filled up to a common length."""
        header = canonical({"bytes": len(shown.png), "feedback": shown.feedback})
        content = header.encode().ljust(_HEADER_BYTES) + shown.png.ljust(
            room_bytes, b"\0"
        )
        return seal(self._key, self._purpose(name), content)

    def open(self, name: str, record: bytes) -> Shown:
        """Return the picture of a record.

        Raises
        ------
        StudyError
            If the key is another pack's or the record was changed.
        """
        content = unseal(self._key, self._purpose(name), record)
        header = json.loads(content[:_HEADER_BYTES])
        png = content[_HEADER_BYTES : _HEADER_BYTES + header["bytes"]]
        return Shown(png, header["feedback"])

    def _purpose(self, name: str) -> str:
        return f"picture {name} of pack {self._pack_id}"


# ---- keys and codes


def new_code() -> str:
    """Return a new code that opens a pack: six groups of four letters and digits."""
    text = base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def key_of_code(code: str, pack_id: str) -> bytes:
    """Return the key of a pack from the code that its reader types.

    Blanks, dashes and small letters do not matter.

    Raises
    ------
    StudyError
        If it cannot be a code.
    """
    text = "".join(code.upper().replace("-", " ").split())
    try:
        raw = base64.b32decode(text)
    except ValueError:
        raw = b""
    if len(raw) != _CODE_BYTES:
        raise StudyError(
            "a code has six groups of four letters A to Z and digits 2 to 7; type the "
            "one that came with the pack"
        )
    return derive(raw, f"pack/{pack_id}")


def write_key(path: Path, key: bytes, study_id: str) -> None:
    """Write a new key file that only its owner may read; durable on return.

    Raises
    ------
    StudyError
        If the file exists or cannot be written.
    """
    content = {"format": _KEY_FORMAT, "study_id": study_id, "key": key.hex()}
    write_private(path, json.dumps(content, indent=1).encode())


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read; durable on return.

    Raises
    ------
    StudyError
        If the file exists or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as sink:
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
    except FileExistsError as error:
        raise StudyError(
            f"{path} exists already and is never overwritten; choose another name"
        ) from error
    except OSError as error:
        raise StudyError(
            f"{path} could not be written ({error.strerror}); choose a folder that you "
            f"may write in"
        ) from error


def read_key(path: Path, study_id: str) -> bytes:
    """Read the key of a study.

    Raises
    ------
    StudyError
        If the file is missing, is no key, or is the key of another study.
    """
    content = read_json(path, "the key of a study")
    if content.get("format") != _KEY_FORMAT or len(content.get("key", "")) != 64:
        raise StudyError(f"{path} is not the key of a study; choose its .key file")
    if content.get("study_id") != study_id:
        raise StudyError(
            f"{path} is the key of another study; choose the .key file that was "
            f"written when this one was locked"
        )
    return bytes.fromhex(content["key"])


def read_json(path: Path, what: str) -> Mapping[str, Any]:
    """Read a JSON object.

    Raises
    ------
    StudyError
        If the file is missing or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StudyError(f"{path}, {what}, cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise StudyError(f"{path} is not {what}: it holds no JSON") from error
    if not isinstance(content, dict):
        raise StudyError(f"{path} is not {what}: it holds no JSON object")
    return content
