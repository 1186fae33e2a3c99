"""The pages of the Django side."""

from django.urls import path

from example_site import views

urlpatterns = [
    path("", views.account, name="account"),
    path("sign-in", views.sign_in, name="sign_in"),
    path("sign-out", views.sign_out, name="sign_out"),
    path("sign-out-everywhere", views.sign_out_everywhere, name="sign_out_everywhere"),
]

handler400 = views.refuse_request
handler404 = views.miss_page
handler500 = views.admit_failure
