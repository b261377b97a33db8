"""Pairs of texts, their noise, and statistics of texts."""
