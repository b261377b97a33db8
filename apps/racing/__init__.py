"""The surfaces of `zoo race`, the search for each optimizer's learning rate, and the drawing of the race."""
