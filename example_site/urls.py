"""The pages of the Django side."""

from django.contrib.staticfiles.views import serve
from django.urls import include, path

from example_site import admin, views

urlpatterns = [
    path("", views.account, name="account"),
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("sign-out-everywhere", views.sign_out_everywhere, name="sign_out_everywhere"),
    path("admin/", admin.site.urls),
    path("files/", include("minimalkv_django.urls")),
    # The styles of the admin; elsewhere a web server has them, after collectstatic.
    path("static/<path:path>", serve, {"insecure": True}),
]

handler400 = views.refuse_request
handler404 = views.miss_page
handler500 = views.admit_failure
