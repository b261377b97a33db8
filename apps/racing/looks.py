"""How curves are told apart: by line style and marker as well as by colour, for a grey print and colour-blind eyes."""

# Colours of Okabe and Ito, ordered so that neighbours differ in lightness too.
LOOKS = (
    {"color": "#000000", "linestyle": "-", "marker": "o"},
    {"color": "#56B4E9", "linestyle": (0, (5, 1)), "marker": "x"},
    {"color": "#D55E00", "linestyle": "--", "marker": "s"},
    {"color": "#009E73", "linestyle": "-.", "marker": "^"},
    {"color": "#CC79A7", "linestyle": ":", "marker": "D"},
    {"color": "#0072B2", "linestyle": (0, (6, 1, 1, 1, 1, 1)), "marker": "v"},
    {"color": "#E69F00", "linestyle": (0, (1, 1)), "marker": "P"},
    {"color": "#666666", "linestyle": (0, (8, 2)), "marker": "*"},
)
