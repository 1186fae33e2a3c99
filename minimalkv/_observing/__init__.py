"""How calls of a store are watched."""
