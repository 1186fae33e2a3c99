"""The tables of the site."""
