"""Architectures that read step by step and remember: one file each, a builder and its blocks."""
