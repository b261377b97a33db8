"""Image files as people have them, made into what the model's graph decodes: upright, 8 bits, grey or RGB.

The graph reads JPEG, PNG, BMP and GIF with TensorFlow's decoders, which know neither a photo's EXIF orientation nor
transparency, CMYK or other formats. `upright` puts those right with OpenCV, and refuses what is no sound image.
Colours are taken as sRGB: embedded profiles are not applied.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from zoo.errors import UserError
from zoo.inputs import image_headers

if TYPE_CHECKING:
    import numpy as np

MOST_PIXELS = 100_000_000  # a decoded image of this size takes 300 MB
LONGEST_SIDE = 2**20  # pixels; OpenCV decodes nothing longer


def upright(data: bytes) -> bytes:
    """An image file as the model's graph decodes it: upright, 8 bits, grey or RGB, transparency over white.

    Plain upright JPEG, PNG, BMP and GIF files come back byte for byte, so that a model answers the same here and
    where it is served; anything else comes back as a BMP, which takes a tenth of the time of a PNG to write and read.
    Of an animation the first frame is taken.

    Args:
        data: The bytes of one image file of any common format.

    Returns:
        The bytes of a JPEG, PNG, BMP or GIF file whose pixels are known to decode.

    Raises:
        UserError: The data are empty, no image, cut short, damaged, without pixels or above `MOST_PIXELS`. The size
            is read from the header, so that nothing of that size is ever decoded.
    """
    header = check(data)
    if header.plain:
        return data
    return _bmp(_decoded(data, header))


def encode(image: np.ndarray) -> bytes:
    """Pixels as the bytes of an image file that the model's graph decodes.

    Args:
        image: uint8 from 0 to 255, or floats from 0 to 1; H x W or H x W x 1 grey, H x W x 3 red, green, blue, or
            H x W x 4 with alpha, put over white.

    Raises:
        UserError: The array is of another type, range or shape, or without or with too many pixels.
    """
    import cv2
    import numpy as np

    shape = "x".join(map(str, image.shape))
    fits = image.dtype.kind == "f" or image.dtype == np.uint8
    if not fits or image.ndim not in (2, 3) or image.ndim == 3 and image.shape[2] not in (1, 3, 4):
        raise UserError(
            "expected pixels as uint8, or as floats from 0 to 1, H x W or H x W x 1, 3 or 4 channels; "
            f"got {image.dtype} {shape}"
        )
    if not 0 < image.shape[0] * image.shape[1] <= MOST_PIXELS:
        raise UserError(f"expected an image of 1 to {MOST_PIXELS:,} pixels, got {shape}")
    if image.dtype.kind == "f":
        if not (0 <= image.min() and image.max() <= 1):
            raise UserError(f"expected floats from 0 to 1, got {image.min():g} to {image.max():g}")
        image = np.round(image * 255).astype(np.uint8)
    if image.ndim == 3 and image.shape[2] == 4:
        image = _over_white(image, premultiplied=False)
    return _bmp(cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 and image.shape[2] == 3 else image)


def pixels(data: bytes) -> np.ndarray:
    """The pixels that `upright` stands for, to draw on.

    Args:
        data: As for `upright`.

    Returns:
        H x W x 3, uint8, BGR as OpenCV has it.

    Raises:
        UserError: As for `upright`.
    """
    return _colour(_decoded(data, check(data)))


def check(data: bytes) -> image_headers.Header:
    """The header of an image file whose pixels are sure to decode; refuses as `upright` does."""
    if not data:
        raise UserError("the file is empty; expected an image")
    try:
        header = image_headers.read(data)
    except (struct.error, IndexError, KeyError):
        raise UserError(f"the image is truncated: it ends within its header, after {len(data):,} bytes") from None
    if header is None:
        raise UserError(f"expected an image ({image_headers.FORMATS}), got {image_headers.describe(data)}")
    if header.width < 1 or header.height < 1:
        raise UserError(f"the {header.format} image has no pixels: it is {header.width} x {header.height}")
    if header.width * header.height > MOST_PIXELS:
        raise UserError(
            f"the {header.format} image has {header.width:,} x {header.height:,} pixels, "
            f"{header.width * header.height / 1e6:,.0f} megapixels; at most {MOST_PIXELS // 10**6} are read: "
            "make it smaller first"
        )
    if max(header.width, header.height) > LONGEST_SIDE:
        raise UserError(
            f"the {header.format} image has {header.width:,} x {header.height:,} pixels; "
            f"at most {LONGEST_SIDE:,} are read on a side: cut it first"
        )
    if header.plain:
        import cv2

        # An eighth of the size takes half the time, and a JPEG is still read to its end.
        _read(data, header, cv2.IMREAD_REDUCED_GRAYSCALE_8 if header.format == "JPEG" else cv2.IMREAD_GRAYSCALE)
    return header


def _decoded(data: bytes, header: image_headers.Header) -> np.ndarray:
    """H x W or H x W x 3, uint8, BGR, upright."""
    import cv2
    import numpy as np

    image = _read(data, header, cv2.IMREAD_UNCHANGED)
    if image.dtype not in (np.uint8, np.uint16):
        raise UserError(
            f"the {header.format} image has samples of type {image.dtype}, whose white is not known; "
            "expected whole numbers of 8 or 16 bits"
        )
    if image.ndim == 3 and image.shape[2] == 4:
        image = _over_white(image, premultiplied=header.format == "TIFF" and image.dtype == np.uint8)
    if image.dtype == np.uint16:
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 65535 is white
    return np.ascontiguousarray(_turned(image, header.orientation))


def _read(data: bytes, header: image_headers.Header, how: int) -> np.ndarray:
    """The pixels as OpenCV has them; refuses what it cannot decode to the end."""
    import cv2
    import numpy as np

    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error as error:
        raise UserError(f"the {header.format} image cannot be decoded: {' '.join(str(error.err).split())}") from None
    if image is None:
        raise UserError(
            f"the {header.format} image is truncated or damaged: its {header.width:,} x {header.height:,} pixels "
            f"cannot be decoded from {len(data):,} bytes"
        )
    return image


def _bmp(image: np.ndarray) -> bytes:
    """BMP of 24 bits: TensorFlow would take an 8-bit BMP's palette entries for greys."""
    import cv2

    done, encoded = cv2.imencode(".bmp", _colour(image))
    if not done:
        raise RuntimeError("OpenCV could not encode a BMP")
    return encoded.tobytes()


def _colour(image: np.ndarray) -> np.ndarray:
    """H x W, H x W x 1 or H x W x 3 -> H x W x 3."""
    import cv2

    return image if image.ndim == 3 and image.shape[2] == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)


def _over_white(image: np.ndarray, premultiplied: bool) -> np.ndarray:
    """H x W x 4 -> H x W x 3: what shows on white paper; rounded to the nearest."""
    import numpy as np

    white, wide = (255, np.uint16) if image.dtype == np.uint8 else (65535, np.uint32)  # a product just fits
    colour, alpha = image[..., :3].astype(wide), image[..., 3:].astype(wide)
    if not premultiplied:
        colour = (colour * alpha + white // 2) // white
    return np.minimum(colour + white - alpha, white).astype(image.dtype)


def _turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """The image as EXIF's orientation wants it shown: 3 upside down, 6 and 8 on a side, 2, 4, 5, 7 mirrored."""
    import numpy as np

    if orientation in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = np.flipud(image)
    if orientation in (2, 3, 6, 7):
        image = np.fliplr(image)
    return image
