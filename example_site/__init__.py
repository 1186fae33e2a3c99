"""A site of Flask and Django, with a page a feature, that keeps all in one store."""
