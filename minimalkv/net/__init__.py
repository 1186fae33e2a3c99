"""Stores that are reached over a network."""
