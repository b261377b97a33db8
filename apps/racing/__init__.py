"""What `zoo race` races over, how each optimizer's learning rate is found, and how the race is drawn."""
