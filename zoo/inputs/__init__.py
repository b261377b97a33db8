"""Raw items: how a person has them, and how they become tensors, by graph operations that an export shares."""
