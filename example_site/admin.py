"""Django's admin over the photos: all see all of them, and delete their own."""

from functools import wraps
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html
from django.utils.safestring import SafeString

from example_site import views
from example_site.album import MAX_PHOTO_BYTES, PHOTO_ENDINGS, PREFIX
from example_site.models import Photo, agree_with_store, album
from example_site.settings import root
from example_site.thumbnails import NoPicture, thumbnail_of
from minimalkv.files import shown_filename
from minimalkv_django.uploads import stream_uploads

_FORM_BYTES: Final = 64 * 1024


class VisitorMiddleware(AuthenticationMiddleware):
    """Takes for the user whoever is signed in at the site, who has no password.

    A user of that name is made when somebody asks for it, so that the admin can note
    who did what.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Set ``request.user``; see Django."""
        request.user = SimpleLazyObject(lambda: _user_of(request))  # type: ignore[assignment]


def _user_of(request: HttpRequest) -> User:
    name = request.session.get("name", "")
    new = {"is_staff": True, "password": "!"}  # one that nobody has
    found, _ = User.objects.get_or_create(username=name, defaults=new)
    return found


class SiteAdmin(admin.AdminSite):
    """The admin, whose door is that of the site."""

    site_header = "Shoebox"
    site_title = "Shoebox"
    index_title = "Photos in the store"

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in whoever is signed in."""
        return "name" in request.session

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Send strangers to where they sign in."""
        return views.see_other("sign_in")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Sign out of both sides."""
        return views.sign_out(request)


site = SiteAdmin("admin")


class PhotoForm(forms.ModelForm):  # type: ignore[type-arg] # only in the stubs
    """The form of a new photo."""

    class Meta:
        """Of which model it is."""

        model = Photo
        fields = ("image",)

    def clean_image(self) -> Any:
        """Refuse what the album would refuse."""
        image = self.cleaned_data["image"]
        if not image.name.lower().endswith(PHOTO_ENDINGS):
            raise ValidationError("Choose a PNG, JPEG, GIF or WebP.")
        try:
            thumbnail_of(image.read())
        except NoPicture as error:
            raise ValidationError(f"This file {error}.") from error
        image.seek(0)
        return image


def in_words(view: views.View) -> views.View:
    """Put the sentence with which an upload is refused on a page of the site."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.get("Content-Type", "").startswith("text/plain"):
            text = response.content.decode()
            return views.problem(request, response.status_code, "Not taken", text)
        return response

    return wrapper


@admin.register(Photo, site=site)
class PhotoAdmin(admin.ModelAdmin):  # type: ignore[type-arg] # only in the stubs
    """The photos of everybody."""

    form = PhotoForm
    actions = None  # they would delete those of others, too
    list_display = ("preview", "name", "uploader", "uploaded")
    list_display_links = ("name",)
    list_filter = ("uploader",)
    search_fields = ("name",)
    readonly_fields = ("name", "uploader", "uploaded")

    def get_urls(self) -> list[URLPattern]:
        """Let the files of the form go into the store while they arrive."""
        added = stream_uploads(
            prefix=PREFIX,
            max_bytes=MAX_PHOTO_BYTES + _FORM_BYTES,
            max_file_bytes=MAX_PHOTO_BYTES,
        )(self.add_view)
        # Who is asking is looked at before that.
        view = self.admin_site.admin_view(in_words(added))
        own = path("add/", view, name="example_site_photo_add")
        return [own, *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return what is asked of a new photo, and what is told of others."""
        return ("image",) if obj is None else ("image", *self.readonly_fields)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Photo]":
        """Return the rows, of what is in the store now."""
        agree_with_store()
        return super().get_queryset(request)

    @admin.display(description="")
    def preview(self, photo: Photo) -> SafeString:
        """Return the thumbnail, which Flask sends."""
        where = f"{root()}{'thumbs' if photo.thumbnail else 'photos'}/"
        key = photo.thumbnail or photo.image.name
        source = where + key.rpartition("/")[2]
        return format_html('<img src="{}" alt="" height="60">', source)

    # Who may do what.

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the photos to everybody who is signed in."""
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show each of them."""
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let everybody add one."""
        return self.admin_site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody put another picture under what others have seen."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let everybody delete what they sent."""
        return obj is not None and obj.uploader == request.session["name"]

    # What is done to the store.

    def save_model(
        self, request: HttpRequest, obj: Photo, form: Any, change: bool
    ) -> None:
        """Store the file of a new photo, its thumbnail, and what is known about it."""
        sent = form.cleaned_data["image"]
        size, name = sent.size, shown_filename(sent.name)
        obj.image.save(sent.name, sent, save=False)
        item = album().add(obj.image.name, size, name, request.session["name"])
        obj.describe(item)
        super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: Photo) -> None:
        """Delete a photo in the store, and its row."""
        album().remove(obj.facts, obj.image.name, obj.thumbnail)
        super().delete_model(request, obj)
