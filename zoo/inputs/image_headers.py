"""Headers of image files, read before a pixel is decoded: format, size, orientation.

A few bytes decide whether decoding is safe (a small file can unfold to gigabytes) and whether it is needed at all:
plain upright 8-bit files go to the model's graph as they are. Offsets are those of the formats' specifications.
"""

from __future__ import annotations

import dataclasses
import re
import struct
from collections.abc import Callable

from zoo.errors import UserError

FORMATS = "JPEG, PNG, BMP, GIF, WebP, TIFF, PNM, AVIF or JPEG 2000"
HEAD = 512  # bytes that tell the format of a file
# Files of a folder that are images without a look into them; others are images by their content.
SUFFIXES = frozenset(".jpg .jpeg .png .bmp .gif .webp .tif .tiff .pbm .pgm .ppm .pnm .avif .jp2".split())

# What people hand over instead of an image, by its first bytes.
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (b"8BPS", "a Photoshop file"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
)
TO_JPEG = "save it as JPEG: `sips -s format jpeg a.heic --out a.jpg` on a Mac, `heif-convert a.heic a.jpg` elsewhere"
_HEIC = f"an HEIC photo ({TO_JPEG})"
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), _HEIC),
    b"isom": "an MP4 video",
    b"mp42": "an MP4 video",
    b"qt  ": "a QuickTime video",
}


@dataclasses.dataclass(frozen=True)
class Header:
    """Properties of an image file that are known before decoding.

    Attributes:
        format: "JPEG", "PNG", ...
        width: Pixels, before the orientation is applied.
        height: Pixels, before the orientation is applied.
        orientation: 1-8 as EXIF counts; 1 is upright. Always 1 for TIFF, which OpenCV turns itself.
        plain: Whether TensorFlow's own decoders read these bytes as a person sees them: 8 bits, grey or RGB, opaque.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    plain: bool = False


def read(data: bytes) -> Header | None:
    """The header of an image file.

    Args:
        data: The whole file.

    Returns:
        None where the file is of no format that is read; `describe` then says what it looks like.

    Raises:
        UserError: The file is of a kind that is not read.
        struct.error, IndexError, KeyError: The file ends within its header, or the header makes no sense.
    """
    reader = _reader(data)
    return reader(data) if reader else None


def looks_like_image(head: bytes) -> bool:
    """True if a file is an image of a format that is read, to judge by its first `HEAD` bytes."""
    reader = _reader(head)
    return reader is not None and (reader is not _pnm or _PNM.match(head) is not None)  # "P1 won." is a text


def is_heic(head: bytes) -> bool:
    """True if a file is a photo as iPhones take them, to judge by its first `HEAD` bytes."""
    return head[4:8] == b"ftyp" and not _is_avif(head) and _BRANDS.get(head[8:12]) == _HEIC


def _reader(data: bytes) -> Callable[[bytes], Header] | None:
    """Reads the header of an image of this format; None for what is no image."""
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _gif
    if (
        data.startswith(b"BM")
        and len(data) >= 18
        and struct.unpack_from("<I", data, 14)[0] in (12, 40, 52, 56, 108, 124)
    ):
        return _bmp
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp
    if data.startswith((b"II*\x00", b"MM\x00*")):
        return _tiff
    if re.match(rb"P[1-6]\s", data):
        return _pnm
    if _is_avif(data):
        return _avif
    if data.startswith((b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")):
        return _jpeg2000
    return None


def _is_avif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and re.search(rb"avif|avis", data[8 : struct.unpack_from(">I", data)[0]]) is not None


def describe(data: bytes) -> str:
    """Description of a file of no known format, for a message."""
    for start, name in _OTHERS:
        if data.startswith(start):
            return name
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "a video")
    head = data[:512].lstrip().lower()
    if head.startswith((b"<svg", b"<?xml")):
        return "SVG or XML"
    if head.startswith((b"<!doctype", b"<html")):
        return "a web page"
    if re.fullmatch(rb"[\t\n\r\x20-\x7e\x80-\xff]*", data[:512]):
        return "text"
    return "a file that begins with the bytes " + data[:4].hex(" ")


_MARKER = re.compile(rb"\xff[^\x00\xff]")


def _jpeg(data: bytes) -> Header:
    orientation, place = 1, 2
    while True:
        found = _MARKER.search(data, place)  # libjpeg, and so Pillow, skips stray bytes and fill bytes before it
        if not found:
            raise IndexError("no marker")
        place, marker = found.end() - 2, data[found.end() - 1]
        if marker == 0x01 or 0xD0 <= marker <= 0xD7:  # these have no length
            place += 2
            continue
        length = struct.unpack_from(">H", data, place + 2)[0]
        if marker in (0xD8, 0xD9, 0xDA) or length < 2:
            raise IndexError("no frame before the first scan")
        if marker == 0xE1 and data[place + 4 : place + 10] == b"Exif\x00\x00":
            orientation = _exif(data[place + 10 : place + 2 + length])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            precision, height, width, channels = struct.unpack_from(">BHHB", data, place + 4)
            if data.find(b"\xff\xd9", place) < 0:  # decoders would fill the rest with grey
                raise UserError(f"the JPEG image is truncated: its end is missing after {len(data):,} bytes")
            # Baseline, extended, progressive; 4 channels are CMYK, 12 bits and arithmetic coding are rare.
            plain = marker <= 0xC2 and precision == 8 and channels in (1, 3) and orientation == 1
            return Header("JPEG", width, height, orientation, plain)
        place += 2 + length


def _png(data: bytes) -> Header:
    kind, width, height, depth, colour = struct.unpack_from(">4sIIBB", data, 12)
    if kind != b"IHDR":
        raise IndexError("no header chunk")
    orientation, opaque, place = 1, colour in (0, 2, 3), 8
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"eXIf":
            orientation = _exif(data[place + 8 : place + 8 + length])
        opaque = opaque and kind not in (b"tRNS", b"acTL")  # transparent, or animated
        place += 12 + length
    return Header("PNG", width, height, orientation, depth == 8 and opaque and orientation == 1)


def _gif(data: bytes) -> Header:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    place = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    frames, whole = 0, True
    while place < len(data) and data[place] != 0x3B:
        if data[place] == 0x21:  # an extension; the graphic control one may name a transparent colour
            whole = whole and not (data[place + 1] == 0xF9 and data[place + 3] & 1)
            place += 2
        elif data[place] == 0x2C:
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, place + 1)
            whole = whole and (left, top, wide, high) == (0, 0, width, height)
            width, height, frames = max(width, left + wide), max(height, top + high), frames + 1
            place += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        else:
            break
        while data[place]:  # sub-blocks, each with its length before it
            place += 1 + data[place]
        place += 1
    # TensorFlow unfolds every frame of an animation to return the first: a plain file has only one.
    return Header("GIF", width, height, plain=whole and frames == 1)


def _bmp(data: bytes) -> Header:
    start, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        return Header("BMP", *struct.unpack_from("<HH", data, 18))
    width, height, _, bits, packing = struct.unpack_from("<iiHHI", data, 18)
    # TensorFlow takes palette entries for greys, and refuses bytes after the pixels.
    whole = start + (width * 3 + 3) // 4 * 4 * abs(height) == len(data)
    return Header("BMP", width, abs(height), plain=bits == 24 and packing == 0 and whole)


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("WebP", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return Header("WebP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind != b"VP8X":
        raise IndexError("no size")
    width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    orientation, place = 1, 12
    while place + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, place)
        if kind == b"EXIF":
            orientation = _exif(data[place + 8 : place + 8 + length].removeprefix(b"Exif\x00\x00"))
        place += 8 + length + length % 2
    return Header("WebP", width, height, orientation)


def _tiff(data: bytes) -> Header:
    tags = _tiff_tags(data, (256, 257))
    return Header("TIFF", tags.get(256, 0), tags.get(257, 0))


_PNM = re.compile(rb"P([1-6])_(\d+)_(\d+)_(\d*)".replace(b"_", rb"(?:\s|#[^\n]*\n)+"))


def _pnm(data: bytes) -> Header:
    found = _PNM.match(data[:4096])
    if not found:
        raise IndexError("no width and height")
    kind, width, height, white = found.groups()
    if kind not in b"14" and int(white or 0) not in (255, 65535):
        raise UserError(f"expected a PNM image whose white is 255 or 65535, got {white.decode()}")
    return Header("PNM", int(width), int(height))


def _avif(data: bytes) -> Header:
    # The sizes of the image and of its tiles, masks and thumbnails all stand before the pixels: the largest counts.
    head = data[: data.find(b"mdat") if b"mdat" in data else None]
    sizes = [struct.unpack_from(">II", head, found.end() + 4) for found in re.finditer(b"ispe", head)]
    if not sizes:
        raise IndexError("no size")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    turn, mirror = head.find(b"irot"), head.find(b"imir")
    quarter = head[turn + 4] & 3 if turn > 0 else 0  # anticlockwise, before the mirror
    axis = (head[mirror + 4] & 1) if mirror > 0 else None
    orientation = {None: (1, 8, 3, 6), 0: (4, 5, 2, 7), 1: (2, 7, 4, 5)}[axis][quarter]
    return Header("AVIF", width, height, orientation)


def _jpeg2000(data: bytes) -> Header:
    codestream = data.find(b"\xff\x4f\xff\x51")
    if codestream < 0:
        raise IndexError("no size")
    right, bottom, left, top = struct.unpack_from(">4I", data, codestream + 8)
    return Header("JPEG 2000", right - left, bottom - top)


def _exif(data: bytes) -> int:
    """The orientation tag of an EXIF block, 1-8; 1 where the block lacks it or is damaged: a photo is worth more."""
    try:
        orientation = _tiff_tags(data, (274,)).get(274, 1)
    except (struct.error, IndexError, KeyError):
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def _tiff_tags(data: bytes, wanted: tuple[int, ...]) -> dict[int, int]:
    """Whole numbers of a TIFF's first directory, by tag."""
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    place = struct.unpack_from(order + "I", data, 4)[0]
    tags = {}
    for entry in range(struct.unpack_from(order + "H", data, place)[0]):
        tag, kind = struct.unpack_from(order + "HH", data, place + 2 + 12 * entry)
        if tag in wanted and kind in (3, 4):
            tags[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, place + 2 + 12 * entry + 8)[0]
    return tags
