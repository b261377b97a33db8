"""The course of the answering applications, and the kinds of answers that they give."""
