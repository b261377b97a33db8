"""Pictures to try the page with: outlines of clothing, drawn here, so that no photograph has to be shipped."""

from __future__ import annotations

SIDE = 280  # pixels
_SHADE = 72  # of what is worn, 0 is black; the ground is white

# Name -> corners of an outline, as shares of the side, x right, y down.
OUTLINES = {
    "T-shirt": (
        *((0.38, 0.08), (0.44, 0.14), (0.56, 0.14), (0.62, 0.08), (0.74, 0.12), (0.96, 0.34), (0.84, 0.46)),
        *((0.74, 0.38), (0.74, 0.92), (0.26, 0.92), (0.26, 0.38), (0.16, 0.46), (0.04, 0.34), (0.26, 0.12)),
    ),
    "trousers": ((0.34, 0.06), (0.66, 0.06), (0.70, 0.94), (0.55, 0.94), (0.50, 0.34), (0.45, 0.94), (0.30, 0.94)),
    "dress": (
        *((0.40, 0.04), (0.44, 0.16), (0.56, 0.16), (0.60, 0.04), (0.66, 0.08), (0.62, 0.36), (0.74, 0.96)),
        *((0.26, 0.96), (0.38, 0.36), (0.34, 0.08)),
    ),
    "sneaker": (
        *((0.92, 0.44), (0.80, 0.46), (0.62, 0.42), (0.20, 0.62), (0.04, 0.68), (0.04, 0.76), (0.96, 0.76)),
        (0.96, 0.56),
    ),
}


def png(name: str) -> bytes:
    """The picture of that name as a PNG file, `SIDE` pixels wide and high, grey."""
    import cv2
    import numpy as np

    image = np.full((SIDE, SIDE), 255, np.uint8)
    corners = np.round(np.array(OUTLINES[name]) * SIDE).astype(np.int32)
    cv2.fillPoly(image, [corners], _SHADE, cv2.LINE_AA)
    return cv2.imencode(".png", image)[1].tobytes()
