"""The manifest of the static files, read when it is needed."""

from typing import Any

from django.contrib.staticfiles.storage import ManifestFilesMixin


class LateManifestMixin(ManifestFilesMixin):
    """Django's mixin, except that its constructor does not ask the store."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._loaded: tuple[dict[str, str], str] | None = None
        self._is_made = False
        super().__init__(*args, **kwargs)
        self._is_made = True
        self._loaded = None

    def load_manifest(self) -> tuple[dict[str, str], str]:  # type: ignore[override]  # the stubs are wrong
        """Return what is in the manifest: the names with a hash, and its own hash.

        Raises
        ------
        ValueError
            If it is none.
        StoreError
            If the store failed.
        """
        if not self._is_made:
            return {}, ""
        loaded: tuple[dict[str, str], str] = super().load_manifest()  # type: ignore[assignment]  # likewise
        return loaded

    @property
    def _manifest(self) -> tuple[dict[str, str], str]:
        if self._loaded is None:
            self._loaded = self.load_manifest()
        return self._loaded

    @property
    def hashed_files(self) -> dict[str, str]:
        """The names with a hash, by those without; read when it is first asked for."""
        return self._manifest[0]

    @hashed_files.setter
    def hashed_files(self, files: dict[str, str]) -> None:
        self._loaded = files, "" if self._loaded is None else self._loaded[1]

    @property
    def manifest_hash(self) -> str:
        """The hash of all of them."""
        return self._manifest[1]

    @manifest_hash.setter
    def manifest_hash(self, value: str) -> None:
        self._loaded = self.hashed_files, value
