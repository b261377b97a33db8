"""Pictures: a path, bytes, a PIL image or an array, as the bytes of an image file that the model's graph decodes."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np

from zoo.errors import UserError
from zoo.inputs import containers, image_files, image_headers
from zoo.inputs.base import Input


class Image(Input):
    """One picture."""

    kind = "image"

    def encode(self, value: object) -> bytes:
        """One picture as the bytes of an image file that the model's graph decodes, upright.

        Args:
            value: The path of an image file, its bytes, a PIL image, or an array or tensor of pixels, H x W or
                H x W x 1, 3 or 4 channels (red, green, blue, alpha), uint8 or floats from 0 to 1.

        Raises:
            UserError: Anything else, or no sound image.
            OSError: The file cannot be read.
        """
        return self._encoded(value, image_files.upright)

    def encode_again(self, value: object) -> bytes:
        """As `encode`; a file that needs no change is not decoded for a check."""
        return self._encoded(value, _upright_if_needed)

    def _encoded(self, value: object, upright) -> bytes:
        value = containers.plain(value)
        if isinstance(value, np.ndarray):
            return image_files.encode(value)
        if isinstance(value, bytes):
            return upright(value)
        if isinstance(value, str | os.PathLike):
            return upright(Path(value).read_bytes())
        if hasattr(value, "getexif"):  # a PIL image: Pillow is imported already
            return image_files.upright(_file(value))
        raise UserError(
            "expected a picture: a path, the bytes of an image file, a PIL image, or an array of uint8 or of floats "
            f"from 0 to 1; got {containers.kind(value)}"
        )

    def is_item(self, array: np.ndarray) -> bool:
        """True of H x W, and of H x W x C with at most 4 channels; N x H x W are several grey pictures."""
        return array.ndim == 2 or array.ndim == 3 and array.shape[2] <= 4

    def probes(self) -> list[bytes]:
        """Photographs and digits that scikit-learn brings; of the photographs also a file as a camera writes it."""
        from PIL import Image as pillow
        from sklearn import datasets

        photographs = datasets.load_sample_images().images
        digits = np.round(datasets.load_digits().images[:6] * (255 / 16)).astype(np.uint8)
        jpeg = io.BytesIO()
        pillow.fromarray(photographs[0]).save(jpeg, "JPEG", quality=95)
        return [*map(self.encode, photographs), jpeg.getvalue(), *map(self.encode, digits)]


def _upright_if_needed(data: bytes) -> bytes:
    header = image_headers.read(data)
    return data if header is not None and header.plain else image_files.upright(data)


_AS = {"CMYK": "RGB", "YCbCr": "RGB", "PA": "RGBA", "RGBX": "RGB", "RGBa": "RGBA", "La": "LA"}  # what PNG has not


def _file(item) -> bytes:
    """A PIL image as an image file; EXIF's orientation is applied, as it is to files."""
    from PIL import ImageOps

    item = ImageOps.exif_transpose(item)
    item = item.convert(_AS.get(item.mode, item.mode))
    if item.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16"):
        raise UserError(f"expected a PIL image of mode RGB, RGBA, L or alike, got {item.mode}: convert it first")
    if item.mode == "I" and item.getextrema()[1] > 65535:
        raise UserError(f"expected a PIL image of at most 16 bits, got values up to {item.getextrema()[1]}")
    content = io.BytesIO()
    item.save(content, "PNG", compress_level=1)
    return content.getvalue()
