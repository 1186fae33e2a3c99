"""A small photo site of Flask and Django that keeps everything in one store."""
