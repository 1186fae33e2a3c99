"""A small photo site whose photos and sessions live in one store."""
