"""Characters that a picture can show with the installed fonts, and substitutes for the others."""

from __future__ import annotations

import functools
import itertools

# Beside matplotlib's own, which knows European letters, those of these that the machine has.
FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "PingFang SC",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "WenQuanYi Micro Hei",
    "IPAexGothic",
    "Arial Unicode MS",
)


def plain(text: str) -> str:
    """As matplotlib shows it, and without its mathematics between dollar signs."""
    return drawable(text).replace("$", r"\$")


def drawable(text: str) -> str:
    """The text with a count in place of characters that no font here has, which would be drawn as empty boxes."""
    known = _glyphs()
    runs = itertools.groupby(text, key=lambda c: c.isspace() or ord(c) in known)
    parts = [(drawn, "".join(run)) for drawn, run in runs]
    return "".join(run if drawn else f"[{len(run)} character{'s' * (len(run) > 1)}]" for drawn, run in parts)


@functools.cache
def installed() -> list[str]:
    """Those of `FONTS` that are here, as matplotlib's "font.family" takes them."""
    from matplotlib import font_manager

    here = set(font_manager.get_font_names())
    return [name for name in FONTS if name in here]


@functools.cache
def _glyphs() -> frozenset[int]:
    from matplotlib import font_manager

    return frozenset().union(
        *(font_manager.get_font(font_manager.findfont(name)).get_charmap() for name in installed())
    )
