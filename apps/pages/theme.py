"""Theme of the page: system fonts, one accent, room to read; light or dark as the system is."""

from __future__ import annotations

import gradio as gr

CSS = """
.gradio-container .main { padding: 0 !important; }
.gradio-container main { width: 100%; max-width: 1048px !important; }
.gradio-container main { padding: 2rem 1rem 3rem; margin: 0 auto !important; }
.dark { --color-accent: var(--primary-400); }
@media (max-width: 480px) { .tab-container button { padding: 0 0.5rem !important; font-size: 0.875rem !important; } }
.head h1 { font-size: 1.5rem; font-weight: 650; letter-spacing: -0.01em; margin: 0; }
.head p, .about p { color: var(--body-text-color-subdued); margin: 0.25rem 0 0; }
.about p { margin: 0.25rem 0 0.5rem; }
.knows p { color: var(--body-text-color-subdued); font-size: 0.85rem; line-height: 1.45; margin: 0; }
.labels { list-style: none; margin: 0; padding: 0; }
.labels li { display: grid; grid-template-columns: 1fr auto; gap: 0.3rem 1rem; padding: 0.45rem 0; }
.labels li:first-child { font-size: 1.25rem; font-weight: 600; }
.labels span:nth-child(2) { font-variant-numeric: tabular-nums; }
.labels li:not(:first-child) span { color: var(--body-text-color-subdued); }
.labels i { grid-column: 1 / -1; height: 4px; border-radius: 2px; background: var(--border-color-primary); }
.labels b { display: block; height: 100%; border-radius: 2px; background: var(--color-accent); }
.labels li:not(:first-child) b { opacity: 0.55; }
.note { color: var(--body-text-color-subdued); font-size: 0.85rem; margin: 0.5rem 0 0; }
"""


def theme() -> gr.themes.Base:
    """Gradio's plain theme in the letters that the system has: no font is asked for elsewhere."""
    base = gr.themes.Base(
        primary_hue="teal",
        neutral_hue="stone",
        radius_size="md",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    # Gradio's own greys and its button are too faint to read: WCAG asks for a contrast of 4.5.
    return base.set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_label_text_color="*neutral_600",
        block_info_text_color="*neutral_600",
        input_placeholder_color="*neutral_500",
        color_accent="*primary_700",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
    )
