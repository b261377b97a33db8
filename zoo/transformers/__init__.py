"""Transformers: attention in place of recurrence."""
