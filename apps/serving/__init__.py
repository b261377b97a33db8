"""What `zoo serve` is made of: models by version, TF Serving's two protocols, and the server around them."""
