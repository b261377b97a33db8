"""Looks that tell curves apart: by line style and marker as well as by colour, for a grey print and colour-blind eyes.

And what the pictures of a race share: one legend above, the numbers in a table below.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

# Colours of Okabe and Ito, ordered so that neighbours differ in lightness too.
LINE_STYLES = (
    {"color": "#000000", "linestyle": "-", "marker": "o"},
    {"color": "#56B4E9", "linestyle": (0, (5, 1)), "marker": "x"},
    {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    {"color": "#009E73", "linestyle": "-.", "marker": "^"},
    {"color": "#CC79A7", "linestyle": ":", "marker": "D"},
    {"color": "#0072B2", "linestyle": (0, (6, 1, 1, 1, 1, 1)), "marker": "v"},
    {"color": "#E69F00", "linestyle": (0, (1, 1)), "marker": "P"},
    {"color": "#666666", "linestyle": (0, (8, 2)), "marker": "*"},
)


def legend(axes, handles: Sequence, columns: int) -> None:
    """Fills axes with a legend."""
    axes.axis("off")
    axes.legend(handles=handles, handlelength=4, loc="center", ncols=columns, frameon=False).set_in_layout(False)


def table(axes, cells: Sequence[Sequence[str]], title: str, bold: Collection[tuple[int, int]] = ()) -> None:
    """Fills axes with a table.

    Args:
        axes: Where to.
        cells: Its rows; the first is the head.
        title: Stands above.
        bold: (row, column) of cells in bold, beside the head.
    """
    axes.axis("off")
    axes.set_title(title, fontsize=10)
    drawn = axes.table(cells, bbox=(0, 0, 1, 1), cellLoc="center")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(9.5)
    drawn.auto_set_column_width(range(len(cells[0])))
    for (row, column), cell in drawn.get_celld().items():
        cell.set(edgecolor="0.8", linewidth=0.6)
        if not column:
            cell.get_text().set_horizontalalignment("left")
        if not row or (row, column) in bold:
            cell.get_text().set_fontweight("bold")
