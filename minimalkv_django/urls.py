"""What `signed_url` and `direct_upload` lead to where the store signs no URLs.

::

    urlpatterns = [path("files/", include("minimalkv_django.urls"))]

Only what was signed is served or taken. To serve files to anybody, name
`minimalkv_django.views.serve` in a pattern of your own.
"""

from typing import Final

from django.urls import path

from minimalkv_django._file_views import receive, signed

app_name: Final = "minimalkv"

urlpatterns: Final = [
    path("signed/<str:token>/<str:name>", signed, name="signed"),
    path("upload/<str:store>/<str:token>", receive, name="receive"),
]
