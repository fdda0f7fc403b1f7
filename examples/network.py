"""Guests on the network: one serves a socket that it is given, one fetches from hosts that are on a list.

It prints:

    the echo server said b'hello'
    fetched b'from the server' with status 2
    not on the list: ended with 76
"""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import wasmcy

GUESTS = Path(__file__).parent / "guests"

# A server: the program opens the socket, the guest accepts.
with socket.create_server(("127.0.0.1", 0)) as listening:
    serving = threading.Thread(
        target=wasmcy.run, args=(GUESTS / "echo.wasm",), kwargs={"sockets": [listening]}, daemon=True
    )
    serving.start()
    with socket.create_connection(listening.getsockname()) as connection:
        connection.sendall(b"hello")
        print("the echo server said", connection.recv(100))
    serving.join()


# A client: Network is a second provider of imports, beside Wasi.
class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from the server")

    def log_message(self, format: str, *args: object) -> None:
        pass


def fetch(url: str, allow: list[str]) -> tuple[int, bytes]:
    """The guest's exit status and output."""
    output: list[bytes] = []
    with wasmcy.Wasi(args=["fetch", url], stdout=output.append) as wasi:
        network = wasmcy.Network(wasi, allow=allow)
        guest = wasmcy.Module.from_file(GUESTS / "fetch.wasm").instantiate(wasi=[wasi, network])
        try:
            guest.exports._start()
        except wasmcy.Exit as end:
            return end.code, b"".join(output)
    return 0, b"".join(output)


with HTTPServer(("127.0.0.1", 0), Handler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    status, body = fetch(f"http://{host}/", allow=[host])
    print("fetched", body, "with status", status)
    status, _ = fetch(f"http://{host}/", allow=["example.com:443"])
    print("not on the list: ended with", status)
    server.shutdown()
