"""The pages of the Django side."""

from django.urls import include, path

from example_site import admin, cached, static_files, views

urlpatterns = [
    path("", views.account, name="account"),
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("sign-out-everywhere", views.sign_out_everywhere, name="sign_out_everywhere"),
    path("count", views.count, name="count"),
    path("cache", cached.overview, name="cache"),
    path("cache/ask", cached.ask, name="ask"),
    path("cache/click", cached.click, name="click"),
    path("cache/clear", cached.clear, name="clear"),
    path("admin/", admin.site.urls),
    path("files/", include("minimalkv_django.urls")),
    path("static-files", static_files.overview, name="static_files"),
    path("static-files/collect", static_files.collect, name="collect"),
    path("static/<path:path>", static_files.static_file, name="static_file"),
]

handler400 = views.refuse_request
handler404 = views.miss_page
handler500 = views.admit_failure
