"""Architectures that name the class of an image or a text: one file each, a builder and its blocks."""
