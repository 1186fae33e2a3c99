"""Uploads that browsers send to the store itself."""

from typing import Any

from flask import current_app

from minimalkv import _direct
from minimalkv.files import StoredFile
from minimalkv_flask._upload_config import UploadConfiguration
from minimalkv_flask._upload_errors import answered
from minimalkv_flask._upload_links import upload_seals, upload_url
from minimalkv_flask._upload_saving import within


class DirectMixin:
    """What a set does with the files that pass us by."""

    name: str

    @property
    def config(self) -> UploadConfiguration:
        """What the configuration of the current application says about the set."""
        raise NotImplementedError

    def type_allowed(self, content_type: str, filename: str) -> bool:
        """Tell whether a file is taken that is of a type by its content."""
        raise NotImplementedError

    def direct_upload(
        self,
        filename: str,
        *,
        content_type: str | None = None,
        expires: float = _direct.EXPIRES_SECS,
        external: bool = False,
    ) -> dict[str, Any]:
        """Allow a browser to send one file to the store itself.

        Where the store signs no URLs, a view of ours takes it, without a temporary
        file as well. When it was sent, the browser gives the token back to the
        application, for `attach`; what never comes back, ``flask kv uploads purge``
        deletes.

        Parameters
        ----------
        filename : str
            What the sender calls it; it decides the type that has to be sent.
        content_type : str, optional
            The type, if it is not to be told by the name.
        expires : float
            Seconds until it cannot be sent any more.
        external : bool
            Whether a URL of ours has a scheme and a host.

        Returns
        -------
        dict
            For JSON: ``url``, ``method`` (``PUT``), ``headers`` to send along,
            ``token``, and ``expires`` in seconds since 1970.

        Raises
        ------
        UploadNotAllowed
            If the type is not taken.
        InvalidArgument
            As for `signed_url`.
        """
        config = self.config
        with answered():
            upload = _direct.begin_direct_upload(
                config.store,
                upload_seals(current_app, config.place),
                filename,
                lambda token: upload_url(config.place, token, external=external),
                prefix=config.prefix,
                types=self.type_allowed,
                max_bytes=config.max_bytes,
                content_type=content_type,
                expires=expires,
            )
        return {**upload._asdict(), "expires": int(upload.expires)}

    def attach(self, token: str) -> StoredFile:
        """Take a file that was sent after `direct_upload`, if it is what was announced.

        It gets a name that its sender cannot write to.

        Parameters
        ----------
        token : str
            What came back from the browser.

        Raises
        ------
        InvalidToken
            If it is none of this set, was altered, or is too old.
        UploadIncomplete
            If nothing was sent, or it was attached already.
        UploadTooLarge, UploadNotAllowed
            If it is not what was announced; it was deleted.
        StoreError
            If the store failed; try again.
        """
        config = self.config
        seals = upload_seals(current_app, config.place)
        with answered():
            stored = _direct.attach(config.store, seals, token, types=self.type_allowed)
        return within(config, stored)
