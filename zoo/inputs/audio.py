"""Sound: a WAV file, or samples and their rate, as the bytes of a 16-bit WAV file that the model's graph decodes."""

from __future__ import annotations

import io
import os
import wave
from pathlib import Path

import numpy as np

from zoo.errors import UserError
from zoo.inputs import containers
from zoo.inputs.base import Input

_FORMS = "a path or the bytes of a WAV file, or (rate, samples) with int16 or floats from -1 to 1"


class Audio(Input):
    """One sound."""

    kind = "audio"

    def encode(self, value: object) -> bytes:
        """One sound as the bytes of a 16-bit WAV file, its channels and rate as they are.

        Args:
            value: The path of a WAV file, its bytes, or a pair (rate, samples): samples a second, and an array `[T]`
                or `[T, channels]`, int16 or floats from -1 to 1.

        Raises:
            UserError: Anything else, or a damaged file.
            OSError: The file cannot be read.
        """
        value = containers.plain(value)
        if isinstance(value, tuple) and len(value) == 2:
            rate, samples = value
            return _wav(rate, np.asarray(containers.plain(samples)))
        if isinstance(value, str | os.PathLike):
            value = Path(value).read_bytes()
        if not isinstance(value, bytes):
            raise UserError(f"expected a sound: {_FORMS}; got {containers.kind(value)}")
        return _checked(value)

    def is_item(self, array: np.ndarray) -> bool:
        """Never: samples come with their rate."""
        return False

    def probes(self) -> list[bytes]:
        """A tone, noise and silence, mono and stereo."""
        time = np.arange(8000) / 8000
        tone, noise = np.sin(2 * np.pi * 440 * time), np.random.default_rng(0).uniform(-0.5, 0.5, (8000, 2))
        return [_wav(8000, sound.astype(np.float32)) for sound in (tone, noise, np.zeros(800))]


def _wav(rate: object, samples: np.ndarray) -> bytes:
    if not isinstance(rate, int | np.integer) or isinstance(rate, bool) or rate < 1:
        raise UserError(f"expected a rate in samples a second, a whole number above 0, got {rate!r:.60}")
    if samples.dtype.kind == "f":
        if samples.size and not np.abs(samples).max() <= 1:
            raise UserError("expected samples from -1 to 1")
        samples = np.round(samples * 32767).astype(np.int16)
    if samples.dtype != np.int16 or samples.ndim not in (1, 2) or not samples.size:
        shape = "x".join(map(str, samples.shape))
        raise UserError(f"expected samples [T] or [T, channels], int16 or floats; got {samples.dtype} {shape}")
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(int(rate))
        file.writeframes(samples.astype("<i2").tobytes())
    return content.getvalue()


def _checked(data: bytes) -> bytes:
    """The bytes of a whole WAV file with 16 bits a sample."""
    if not data:
        raise UserError("the file is empty; expected a WAV file")
    try:
        with wave.open(io.BytesIO(data)) as file:
            channels, width, frames = file.getnchannels(), file.getsampwidth(), file.getnframes()
            found = len(file.readframes(frames))
    except (wave.Error, EOFError) as error:
        raise UserError(f"expected a WAV file of 16 bits a sample ({error})") from None
    if width != 2:
        raise UserError(f"expected a WAV file of 16 bits a sample, got {8 * width} bits")
    if not frames or found < frames * channels * width:
        raise UserError("the WAV file has no samples" if not frames else "the WAV file is cut short")
    return data
