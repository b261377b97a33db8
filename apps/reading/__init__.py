"""Input of the commands: items and columns of tables."""
