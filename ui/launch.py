"""Starting the page."""

import socket
from pathlib import Path

from streamlit.web import cli

from rag_app.errors import PageError
from ui.delivery import keep_answers
from ui.resuming import take_up

PAGE = Path(__file__).with_name("app.py")


def launch(port: int = 8501, *, address: str = "localhost", max_file_mb: int = 100) -> None:
    """Serve the page until interrupted. Everything else is set in ``ui/.streamlit/config.toml``.

    Raises:
        PageError: the port is taken or not allowed.
    """
    _check_free(port, address)
    arguments = {"server.port": port, "server.address": address, "server.maxUploadSize": max_file_mb}
    flags = [f"--{name}={value}" for name, value in arguments.items()]
    keep_answers()
    take_up()
    cli.main(["run", str(PAGE), *flags], standalone_mode=False)


def _check_free(port: int, address: str) -> None:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except (OSError, OverflowError) as error:
        raise PageError(
            f"The page cannot be served at {address}:{port}: {error}. Choose another with --port, or end what uses it."
        ) from error
