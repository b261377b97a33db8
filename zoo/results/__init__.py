"""Kinds of answers: each knows how to be a line of text, JSON, a CSV row and a drawing. NumPy only."""
