"""Every odd image file is answered as a person sees it, or refused in one line.

The oracle is Pillow (it comes with matplotlib): it writes the files, and reads them back by code that shares nothing
with OpenCV's. The graph's own decoder then has to agree about what `upright` returns.
"""

import io
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from zoo.errors import UserError
from zoo.inputs import image_files, image_headers

RANDOM = np.random.default_rng(7)
# Smooth, and different in every corner and channel: a turn, a mirror or swapped channels cannot go unseen.
NOISE = cv2.GaussianBlur(RANDOM.integers(0, 256, (40, 60, 3), np.uint8), (0, 0), 3).astype(float)
PIXELS = ((NOISE - NOISE.min()) / np.ptp(NOISE) * 255).astype(np.uint8)  # 40 60 3, red, green, blue
RGB = Image.fromarray(PIXELS)
ALPHA = Image.fromarray(np.dstack([PIXELS, RANDOM.integers(0, 256, (40, 60), np.uint8)]))
NEGATIVE = Image.fromarray(255 - PIXELS)
DEEP = Image.fromarray((np.arange(2400).reshape(40, 60) * 27).astype(np.uint16))
EXACT = {"WEBP": {"lossless": True, "exact": True}, "AVIF": {"quality": 100}}


def file(image: Image.Image, format: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **EXACT.get(format, {}), **options)
    return stream.getvalue()


def turned(format: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file(RGB, format, exif=exif)


def seen(data: bytes) -> np.ndarray:
    """The pixels as Pillow shows them: H W 3, integers."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode.startswith("I"):
        return np.repeat(((np.asarray(image).astype(int) + 128) // 257)[..., None], 3, -1)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        image = paper
    return np.asarray(image.convert("RGB")).astype(int)


PLAIN = {
    "JPEG": file(RGB, "JPEG"),
    "JPEG, grey": file(RGB.convert("L"), "JPEG"),
    "JPEG, progressive": file(RGB, "JPEG", progressive=True),
    "JPEG, EXIF upright": turned("JPEG", 1),
    "JPEG, EXIF orientation out of range": turned("JPEG", 9),
    "PNG": file(RGB, "PNG"),
    "PNG, grey": file(RGB.convert("L"), "PNG"),
    "PNG, palette": file(RGB.quantize(200), "PNG"),
    "PNG, one pixel": file(Image.new("L", (1, 1), 7), "PNG"),
    "JPEG, one pixel": file(Image.new("RGB", (1, 1), (9, 8, 7)), "JPEG"),
    "BMP": file(RGB, "BMP"),
    "GIF": file(RGB.quantize(16), "GIF"),
}
ODD = {
    **{f"{f}, EXIF {o}": turned(f, o) for f in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF") for o in range(2, 9)},
    **{f"{f}, alpha": file(ALPHA, f) for f in ("PNG", "WEBP", "TIFF", "JPEG2000")},
    **{f"{f}": file(RGB, f) for f in ("WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")},
    **{f"{f}, grey": file(RGB.convert("L"), f) for f in ("BMP", "WEBP", "TIFF", "PPM", "JPEG2000")},
    **{f"TIFF, {c}": file(RGB, "TIFF", compression=c) for c in ("tiff_lzw", "tiff_deflate", "packbits")},
    "JPEG, CMYK": file(RGB.convert("CMYK"), "JPEG", quality=95),
    "TIFF, CMYK": file(RGB.convert("CMYK"), "TIFF"),
    "PNG, 16 bit": file(DEEP, "PNG"),
    "TIFF, 16 bit": file(DEEP, "TIFF"),
    "PNG, 1 bit": file(RGB.convert("1"), "PNG"),
    "PNG, 4 bit palette": file(RGB.quantize(16), "PNG"),
    "PNG, grey and alpha": file(ALPHA.convert("LA"), "PNG"),
    "PNG, palette with transparency": file(RGB.quantize(200), "PNG", transparency=3),
    "PNG, a transparent colour": file(RGB, "PNG", transparency=tuple(PIXELS[0, 0].tolist())),
    "PNG, animated": file(RGB, "PNG", save_all=True, append_images=[NEGATIVE]),
    "GIF, transparent": file(RGB.quantize(16), "GIF", transparency=3),
    "GIF, animated": file(RGB.quantize(16), "GIF", save_all=True, append_images=[NEGATIVE.quantize(16)], disposal=2),
    "WEBP, animated": file(RGB, "WEBP", save_all=True, append_images=[NEGATIVE]),
    "BMP, palette": file(RGB.quantize(16), "BMP"),
    "BMP, bytes after the pixels": file(RGB, "BMP") + b"more",
    "PBM": file(RGB.convert("1"), "PPM"),
}


@pytest.fixture(scope="module")
def decode():
    """The graph's decoder, eager: bytes -> H W 3, integers."""
    from zoo.inputs import image_graph

    return lambda data: image_graph.decode(data).numpy().astype(int)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_files_pass_unchanged(name, decode):
    assert image_files.upright(PLAIN[name]) is PLAIN[name]
    np.testing.assert_array_equal(decode(PLAIN[name]), seen(PLAIN[name]))
    np.testing.assert_array_equal(image_files.pixels(PLAIN[name])[..., ::-1], seen(PLAIN[name]))


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_made_plain(name, decode):
    result = image_files.upright(ODD[name])
    assert result != ODD[name]
    assert image_files.upright(result) is result
    tolerance = 1 if name == "JPEG, CMYK" else 0  # the two round differently on the way from CMYK
    np.testing.assert_allclose(decode(result), seen(ODD[name]), atol=tolerance)
    np.testing.assert_allclose(image_files.pixels(ODD[name])[..., ::-1], seen(ODD[name]), atol=tolerance)


def test_transparent_is_white_and_opaque_keeps_its_colour():
    image = np.zeros((2, 2, 4), np.uint8)
    image[0] = (10, 20, 30, 255)  # BGRA
    shown = image_files.pixels(cv2.imencode(".png", image)[1].tobytes())
    assert shown[0, 0].tolist() == [10, 20, 30] and shown[1, 1].tolist() == [255, 255, 255]
    deep = cv2.imencode(".png", image.astype(np.uint16) * 257)[1].tobytes()
    np.testing.assert_array_equal(image_files.pixels(deep), shown)


def test_black_and_white_of_16_bits_stay_black_and_white():
    image = np.array([[0, 128, 129, 32768, 65406, 65407, 65535]], np.uint16)
    shown = image_files.pixels(cv2.imencode(".png", image)[1].tobytes())[0, :, 0]
    assert shown.tolist() == [0, 0, 1, 128, 254, 255, 255]


def segments(data: bytes) -> list[int]:
    """The places at which the segments of a JPEG begin after the first bytes, up to the scan."""
    places = [2]
    while data[places[-1] + 1] != 0xDA:
        places.append(places[-1] + 2 + struct.unpack_from(">H", data, places[-1] + 2)[0])
    return places[1:]  # before the first one no reader takes stray bytes


@pytest.mark.parametrize("stray", [b"\x00\x00\x00", b"abc", b"\xff\x00\x01", b"\xff\xff", bytes(300)])
@pytest.mark.parametrize("name", ["JPEG", "JPEG, progressive"])
def test_stray_bytes_between_the_segments_of_a_jpeg_are_skipped(name, stray, decode):
    data = PLAIN[name]
    for place in segments(data):
        strayed = data[:place] + stray + data[place:]
        assert image_files.upright(strayed) is strayed
        np.testing.assert_array_equal(decode(strayed), seen(strayed))
        np.testing.assert_array_equal(seen(strayed), seen(data))
    turned_and_strayed = turned("JPEG", 6)
    place = segments(turned_and_strayed)[-1]
    turned_and_strayed = turned_and_strayed[:place] + stray + turned_and_strayed[place:]
    np.testing.assert_array_equal(image_files.pixels(turned_and_strayed)[..., ::-1], seen(turned_and_strayed))


def test_no_time_is_spent_on_what_only_begins_as_a_jpeg():
    with pytest.raises(UserError, match="truncated"):
        image_files.upright(b"\xff\xd8\xff" + bytes(50_000_000))


def test_images_and_photos_that_are_not_read_are_known_by_their_first_bytes():
    for name, data in (PLAIN | ODD).items():
        assert image_headers.looks_like_image(data[: image_headers.HEAD]), name
        assert not image_headers.is_heic(data[: image_headers.HEAD]), name
    for data in (
        b"",
        b"P",
        b"P1 won the race.\n",
        b"P5 and P6\n",
        b"BM is short for something else",
        b"%PDF-1.7",
        b"RIFF",
    ):
        assert not image_headers.looks_like_image(data)
    for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"):
        assert image_headers.is_heic(b"\x00\x00\x00\x18ftyp" + brand + b"\x00\x00\x00\x00mif1heic" + bytes(50))


# An animation's last bytes belong to a later frame; what follows a BMP's pixels belongs to nothing.
CUT = [name for name in PLAIN | ODD if "EXIF" not in name and "bytes after" not in name]


@pytest.mark.parametrize("name", CUT)
def test_truncated_files_are_refused(name):
    data = (PLAIN | ODD)[name]
    whole = len(data) // 2 if "animated" in name else len(data) - 2
    for length in {*range(1, 60), *range(60, whole, max(1, whole // 20)), whole}:
        with pytest.raises(UserError, match=r"truncated|damaged|got"):
            image_files.upright(data[:length])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int) -> bytes:
    """A greyscale PNG that says it has this size and holds next to nothing."""
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + pixels


def patched(name: str, place: int, packing: str, *values: int) -> bytes:
    data = bytearray((PLAIN | ODD)[name])
    struct.pack_into(packing, data, place, *values)
    return bytes(data)


def frame(data: bytes) -> int:
    """The place of the height in a baseline JPEG."""
    return data.index(b"\xff\xc0") + 5


REFUSED = {
    "empty": (b"", "the file is empty; expected an image"),
    "text": (b"hello\nworld\n", r"expected an image \(JPEG, .*\), got text$"),
    "PDF": (b"%PDF-1.7 ...\x00", "got a PDF document"),
    "web page": (b"  <!DOCTYPE html><html>404", "got a web page"),
    "HEIC": (
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(50),
        r"an HEIC photo \(save it as JPEG: ",
    ),
    "MP4": (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomavc1" + bytes(50), "got an MP4 video"),
    "zeros": (bytes(100), "got a file that begins with the bytes 00 00 00 00"),
    "PNG 0x0": (png(0, 0), "the PNG image has no pixels: it is 0 x 0"),
    "PNG 0x5": (png(0, 5), "it is 0 x 5"),
    "JPEG without rows": (patched("JPEG", frame(PLAIN["JPEG"]), ">H", 0), "the JPEG image has no pixels: it is 60 x 0"),
    "GIF 0x0": (patched("GIF", 6, "<HH", 0, 0)[:13] + b";", "the GIF image has no pixels"),
    "BMP 0x0": (patched("BMP", 18, "<ii", 0, 0), "the BMP image has no pixels"),
    "PNG bomb": (png(20_000, 20_000), "20,000 x 20,000 pixels, 400 megapixels; at most 100 are read"),
    "PNG just too large": (png(10_001, 10_000), "100 megapixels; at most 100"),
    "JPEG bomb": (patched("JPEG", frame(PLAIN["JPEG"]), ">HH", 65_000, 65_000), "4,225 megapixels"),
    "GIF bomb": (patched("GIF", 6, "<HH", 65_535, 65_535), "4,295 megapixels"),
    "BMP bomb, upside down": (patched("BMP", 18, "<ii", 20_000, -20_000), "400 megapixels"),
    "PNM bomb": (b"P6\n# a\n90000 90000\n255\n" + bytes(10), "8,100 megapixels"),
    "a row too long for OpenCV": (png(2_000_000, 1), "2,000,000 x 1 pixels; at most 1,048,576 are read on a side"),
    "PNM of 10 bits": (b"P5 2 2 1023\n" + bytes(8), "white is 255 or 65535, got 1023"),
    "floating point": (file(RGB.convert("F"), "TIFF"), "the TIFF image has samples of type float32"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(name):
    data, message = REFUSED[name]
    with pytest.raises(UserError, match=message) as caught:
        image_files.upright(data)
    assert "\n" not in str(caught.value)


def test_webp_tiff_avif_and_jpeg_2000_bombs_are_known_by_their_headers():
    """Sizes of these stand in places of their own; a true header is read, and a false size refused."""
    for name in ("WEBP", "TIFF", "AVIF", "JPEG2000", "PPM"):
        header = image_headers.read(ODD[name])
        assert (header.width, header.height) == (60, 40), name
    vp8x = ODD["WEBP, EXIF 6"]
    bomb = vp8x[:24] + b"\xff\xff\x00\xff\xff\x00" + vp8x[30:]
    lossless = patched("WEBP", 21, "<I", 16383 | 16383 << 14)
    ispe = ODD["AVIF"].index(b"ispe") + 8
    size = ODD["JPEG2000"].index(b"\xff\x4f\xff\x51") + 8
    width = max(ODD["TIFF"].find(struct.pack("<HHIH", 256, kind, 1, 60)) for kind in (3, 4))
    bombs = [
        bomb,
        lossless,
        patched("AVIF", ispe, ">II", 50_000, 50_000),
        patched("JPEG2000", size, ">II", 50_000, 50_000),
        patched("TIFF", width + 2, "<HII", 4, 1, 40_000_000),
    ]
    for data in bombs:
        with pytest.raises(UserError, match=r"\d megapixels; at most 100"):
            image_files.upright(data)


def test_a_damaged_exif_block_does_not_cost_the_photo():
    data = turned("JPEG", 6)
    start = data.index(b"Exif\x00\x00") + 6
    for place in range(start, start + 20):
        damaged = bytearray(data)
        damaged[place] ^= 0xFF
        assert image_files.pixels(bytes(damaged)).shape in ((40, 60, 3), (60, 40, 3))


def test_arbitrary_damage_never_escapes_as_another_exception():
    random = np.random.default_rng(3)
    for data in (PLAIN | ODD).values():
        for _ in range(5):
            damaged = bytearray(data)
            for place in random.integers(0, min(len(damaged), 200), 3):
                damaged[place] = random.integers(256)
            try:
                result = image_files.upright(bytes(damaged))
            except UserError as error:
                assert "\n" not in str(error)
            else:
                assert image_files.pixels(result).size


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (4, 6, 3), (4, 6, 4)])
def test_arrays_are_red_green_blue(shape, decode):
    array = RANDOM.integers(0, 256, shape, np.uint8)
    if shape[-1] == 4:
        array[..., 3] = 255
    expected = np.broadcast_to(array.reshape(4, 6, -1)[..., :3], (4, 6, 3))
    np.testing.assert_array_equal(decode(image_files.encode(array)), expected)


@pytest.mark.parametrize(
    "array",
    [np.zeros((2, 2), np.int64), np.zeros((2, 2, 2), np.uint8), np.zeros(4, np.uint8), np.zeros((0, 2), np.uint8)],
)
def test_other_arrays_are_refused(array):
    with pytest.raises(UserError, match="expected"):
        image_files.encode(array)


def test_importing_it_loads_neither_tensorflow_nor_opencv():
    code = "import sys, zoo.inputs.image_files; print([m for m in ('tensorflow', 'keras', 'cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
