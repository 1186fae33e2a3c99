"""What stores that speak by way of requests have in common: Azure and Google."""

from certifi import where  # what requests brings and trusts

from minimalkv.net._http import ca_bundle


def trusted() -> str:
    """Return the file or folder of certificates that requests trusts."""
    found = ca_bundle()
    return found if isinstance(found, str) else where()
