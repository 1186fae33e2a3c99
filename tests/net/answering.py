"""A small HTTP server whose answers a test knows."""

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = b"0123456789" * 10


class Handler(BaseHTTPRequestHandler):
    """Answers with the size of what it got, or with BODY."""

    protocol_version = "HTTP/1.1"
    done: list[str]

    def do_GET(self) -> None:
        self.done.append(self.path)
        if self.path == "/chunked":
            self.answer({"Transfer-Encoding": "chunked"}, b"3\r\nabc\r\n0\r\n\r\n")
        elif self.path == "/same":
            self.send_response(304)
            self.end_headers()
        elif self.path == "/until-closed":
            self.answer({"Connection": "close"}, BODY)
        elif self.path == "/summed":
            sums = {"Content-MD5": "x", "Content-Length": str(len(BODY))}
            self.answer(sums, BODY)
        elif self.path == "/slow":
            time.sleep(0.5)
            self.answer({"Content-Length": "0"}, b"")
        elif self.path == "/closes":
            self.answer({"Content-Length": "0"}, b"")
            self.close_connection = True
        else:
            self.answer({"X-First": "1", "Content-Length": str(len(BODY))}, BODY)

    do_HEAD = do_GET  # noqa: N815 - the base class calls it so

    def do_PUT(self) -> None:
        size = int(self.headers["Content-Length"])
        data = self.rfile.read(size)
        if len(data) < size:
            self.close_connection = True
            return
        self.done.append(self.path)
        said = str(len(data)).encode()
        self.answer({"Content-Length": str(len(said))}, said)

    def handle_expect_100(self) -> bool:
        if self.path == "/forbidden":
            self.send_error(403)
            return False
        return super().handle_expect_100()

    def do_POST(self) -> None:
        size, total = 1, 0
        while size:
            size = int(self.rfile.readline(), 16)
            total += len(self.rfile.read(size + 2)[:-2])
        said = str(total).encode()
        self.answer({"Content-Length": str(len(said))}, said)

    def answer(self, headers: dict[str, str], body: bytes) -> None:
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        del args


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *args: object) -> None:
        del args  # cut connections are what these tests make
