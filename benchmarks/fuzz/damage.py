"""Damage to bytes: cut off, bits flipped, stretches overwritten, doubled, moved."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final


def cut_off(data: bytes, random: Random) -> bytes:
    """The first part of `data`, at least a byte and never all of it."""
    return data[: random.randrange(1, len(data))]


def bits_flipped(data: bytes, random: Random) -> bytes:
    """Up to 16 single bits changed."""
    damaged = bytearray(data)
    for _ in range(random.randint(1, 16)):
        damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def overwritten(data: bytes, random: Random) -> bytes:
    """A stretch replaced by zeros, by ones or by noise."""
    start = random.randrange(len(data))
    length = min(random.randint(1, 64), len(data) - start)
    stretch = random.choice([bytes(length), b"\xff" * length, random.randbytes(length)])
    return data[:start] + stretch + data[start + length :]


def doubled(data: bytes, random: Random) -> bytes:
    """A stretch that stands there twice."""
    start, end = sorted(random.choices(range(len(data)), k=2))
    return data[:end] + data[start:end] + data[end:]


def lacking(data: bytes, random: Random) -> bytes:
    """A stretch left out of the middle."""
    start, end = sorted(random.choices(range(1, len(data)), k=2))
    return data[:start] + data[end:]


def joined(data: bytes, random: Random) -> bytes:
    """Noise behind the end."""
    return data + random.randbytes(random.randint(1, 4096))


DAMAGES: Final[tuple[Callable[[bytes, Random], bytes], ...]] = (bits_flipped, overwritten, doubled, lacking, joined)


def damaged(data: bytes, random: Random) -> bytes:
    """One to three kinds of damage, one on top of the other."""
    for _ in range(random.randint(1, 3)):
        data = random.choice(DAMAGES)(data, random)
    return data
