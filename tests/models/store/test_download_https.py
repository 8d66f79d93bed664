"""Over https the server must be who it says it is: an unknown certificate is refused, a certificate that the user trusts is taken."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from lianpu.errors import WeightsError
from lianpu.models.store.download import obtain_model_file


@pytest.fixture
def https(made: Any, know: Any, tmp_path: Path) -> Iterator[Path]:
    """A table whose file a https server has, and the certificate of the authority that vouches for that server."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(made.BYTES)))
            self.end_headers()
            self.wfile.write(made.BYTES)

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that refuses the certificate is nothing to print."""

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        know(made.entry_of(url=f"https://localhost:{server.server_port}/tried.bin"))
        certificate = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(str(certificate))
        yield certificate
        server.shutdown()


def test_an_unknown_certificate_is_refused(https: Path) -> None:
    with pytest.raises(WeightsError, match=r"localhost: its certificate is not trusted .*REQUESTS_CA_BUNDLE"):
        obtain_model_file("tried")


def test_a_certificate_that_the_user_trusts_is_taken(https: Path, made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(https))
    assert obtain_model_file("tried").read_bytes() == made.BYTES
