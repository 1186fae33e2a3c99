"""The Django side of minimalkv: file storage, cache and sessions on any store.

Only the name is here so far. Storage, cache and sessions are not in yet, and
nothing in this package can be used from a Django project until they are.
"""
