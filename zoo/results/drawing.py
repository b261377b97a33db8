"""Answers drawn on images: OpenCV draws, this places. Images are H x W x 3, uint8, BGR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cv2
    import numpy as np

NARROWEST = 320  # pixels; below this, text of a readable size does not fit
INK, FAINT, BEST, OTHER = (32, 32, 32), (225, 225, 225), (60, 140, 30), (190, 150, 90)  # BGR


def under(image: np.ndarray | None, rows: Sequence[tuple[str, float]]) -> np.ndarray:
    """The image with one line under it for each (label, probability): the label, the percentage, a bar.

    The image itself stays uncovered. A small one is enlarged by a whole factor, so that its pixels stay crisp.
    """
    import cv2
    import numpy as np

    from zoo.results.base import percent

    image = enlarged(image) if image is not None else np.full((1, NARROWEST, 3), 255, np.uint8)
    height, width = image.shape[:2]
    size = max(16, min(width // 24, height // 8))  # pixels of text; a panorama does not get letters as high as itself
    line = round(size * 2.2)
    canvas = np.full((height + line * len(rows) + size // 2, width, 3), 255, np.uint8)
    canvas[:height] = image
    face = cv2.FontFace("sans")
    margin = size // 2
    figures = max(text_width(percent(1.0), face, size), text_width(percent(0.9999), face, size))
    for place, (label, probability) in enumerate(rows):
        top = height + line * place + size // 4
        baseline = top + size
        weight = 700 if place == 0 else 400
        room = width - figures - 3 * margin
        cv2.putText(canvas, fitted(label, face, size, weight, room), (margin, baseline), INK, face, size, weight)
        value = percent(probability)
        left = width - margin - text_width(value, face, size)
        cv2.putText(canvas, value, (left, baseline), INK, face, size, 400)
        bar_top, bar_bottom = baseline + size // 3, baseline + size // 3 + max(3, size // 3)
        cv2.rectangle(canvas, (margin, bar_top), (width - margin, bar_bottom), FAINT, cv2.FILLED)
        filled = margin + round((width - 2 * margin) * probability)
        if filled > margin:
            cv2.rectangle(canvas, (margin, bar_top), (filled, bar_bottom), BEST if place == 0 else OTHER, cv2.FILLED)
    return canvas


def enlarged(image: np.ndarray) -> np.ndarray:
    """The image, made `NARROWEST` pixels wide or high by a whole factor and centred on white where still narrower."""
    import cv2
    import numpy as np

    height, width = image.shape[:2]
    factor = max(1, -(-NARROWEST // max(height, width)))
    if factor > 1:
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    height, width = image.shape[:2]
    if width >= NARROWEST:
        return image
    framed = np.full((height, NARROWEST, 3), 255, np.uint8)
    left = (NARROWEST - width) // 2
    framed[:, left : left + width] = image
    return framed


def text_width(text: str, face: cv2.FontFace, size: int, weight: int = 400) -> int:
    """Pixels that the text takes on one line."""
    import cv2

    return cv2.getTextSize((0, 0), text, (0, 0), face, size, weight)[2]


def fitted(text: str, face: cv2.FontFace, size: int, weight: int, room: int) -> str:
    """The text, or its beginning and "…" where it is wider than `room` pixels."""
    if text_width(text, face, size, weight) <= room:
        return text
    while text and text_width(text + "…", face, size, weight) > room:
        text = text[:-1]
    return text + "…"
