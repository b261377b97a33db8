"""Starts the workers of `zoo launch`, watches over them and starts them again."""
