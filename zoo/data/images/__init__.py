"""Labelled images as people keep them: folders of classes, and tables of paths."""
