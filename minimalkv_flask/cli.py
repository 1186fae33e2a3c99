"""``flask kv``: the command line of minimalkv, with the stores of an application."""

from collections.abc import Iterator

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo

from minimalkv._aliases import AliasedStores
from minimalkv._cli._command import Group
from minimalkv._cli._site import serve
from minimalkv.sessions import SessionManager
from minimalkv_flask._stores import stores_at
from minimalkv_flask.sessions import KVSessionInterface


def _commands() -> Iterator[click.Command]:
    from minimalkv._cli import COMMANDS
    from minimalkv._cli.sessions import sessions
    from minimalkv_flask._uploads_cli import uploads

    yield from (*COMMANDS, sessions, uploads)


@click.group(cls=Group, load=_commands)
@click.pass_context
def kv(context: click.Context) -> None:
    """Look after stores, sessions and uploads of this site.

    A store is given by an alias of MINIMALKV_STORES, by its URL, or as env:NAME by an
    environment variable that has the URL.
    """
    serve(context, _stores, _manager, has_sessions=_has_sessions)


def _app() -> Flask:
    if not current_app:
        context = click.get_current_context()
        app = context.ensure_object(ScriptInfo).load_app()
        # The root is closed also where the arguments are wrong.
        context.find_root().with_resource(app.app_context())
    return current_app


def _stores() -> AliasedStores:
    return stores_at(_app())


def _has_sessions() -> bool:
    return isinstance(_app().session_interface, KVSessionInterface)


def _manager() -> SessionManager:
    app = _app()
    if isinstance(app.session_interface, KVSessionInterface):
        return app.session_interface.manager(app)
    raise click.ClickException(
        "The sessions of this application are in no store of minimalkv: set its "
        "session_interface to a KVSessionInterface, or use the extension MinimalKV."
    )
