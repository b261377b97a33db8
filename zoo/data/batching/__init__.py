"""Examples -> batches for `model.fit`, in an order that depends on the seed and the epoch only."""
