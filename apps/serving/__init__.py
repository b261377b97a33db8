"""The parts of `zoo serve`: models by version, TF Serving's two protocols, and the server around them."""
