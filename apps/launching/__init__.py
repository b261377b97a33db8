"""How `zoo launch` starts workers, watches over them and starts them again."""
