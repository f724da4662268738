"""An ICC profile made by hand: a scanner whose colours are not those of a screen."""

from __future__ import annotations

import struct

import numpy as np

WIDE = (
    (0.60974, 0.20528, 0.14919),
    (0.31111, 0.62567, 0.06322),
    (0.01947, 0.06087, 0.74457),
)
"""Primaries of Adobe RGB, adapted to D50: columns are XYZ of red, green, blue."""


def fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def write_profile(primaries=WIDE, gamma: float = 2.2, space: bytes = b"RGB ") -> bytes:
    """Return an ICC profile (version 2.1) of a scanner with a matrix and a gamma."""
    white = fixed(0.9642, 1, 0.8249)
    name = b"Drawn scanner"
    tags = {
        b"desc": b"desc"
        + bytes(4)
        + struct.pack(">I", len(name) + 1)
        + name
        + bytes(79),
        b"cprt": b"text" + bytes(4) + b"free\0",
        b"wtpt": b"XYZ " + bytes(4) + white,
    }
    for letter, column in zip(b"rgb", np.transpose(primaries), strict=True):
        tags[bytes([letter]) + b"XYZ"] = b"XYZ " + bytes(4) + fixed(*column)
        curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
        tags[bytes([letter]) + b"TRC"] = curve
    begin, table, body = 132 + 12 * len(tags), b"", b""
    for key, value in tags.items():
        table += key + struct.pack(">II", begin + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    header = struct.pack(
        ">I4sI4s4s4s", begin + len(body), b"none", 0x02100000, b"scnr", space, b"XYZ "
    )
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body
