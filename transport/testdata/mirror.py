"""Speaks to a mirror with the package websockets: mirror.py URL."""

import faulthandler
import ssl
import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

SIZES = [0, 1, 125, 126, 127, 4096, 65535, 65536, 1 << 20]
PATIENCE = 20

faulthandler.dump_traceback_later(PATIENCE + 10, exit=True)  # who hangs says where, before the test kills it
url = sys.argv[1]
tls = None
if url.startswith("wss"):
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    # The package reads and writes in two threads. In TLS 1.3 a server sends session
    # tickets behind the handshake; while one thread reads such a ticket, OpenSSL lets
    # the write of the other wait for something to read, so that the request is never
    # sent. TLS 1.2 has no such messages; the other clients of the tests speak 1.3.
    tls.maximum_version = ssl.TLSVersion.TLSv1_2


def dial(kind):
    return connect(
        url, subprotocols=[kind], ssl=tls, max_size=None, compression=None, proxy=None
    )


def mirrored(message):
    empty = "(nothing)"
    return message or (empty if isinstance(message, str) else empty.encode())


def must_be(got, want, what):
    if got != want:
        sys.exit(f"{what}: got {str(got)[:100]}, want {str(want)[:100]}")


def speak(kind, unit):
    with dial(kind) as ws:
        must_be(ws.subprotocol, kind, "subprotocol")
        for size in SIZES:
            message = (unit * (size // len(unit) + 1))[:size]
            ws.send(message)
            must_be(ws.recv(PATIENCE), mirrored(message), f"{kind} of {size}")
        half = unit * (200_000 // len(unit))
        ws.send([half, half[:0], half, unit])
        must_be(ws.recv(PATIENCE), half + half + unit, f"{kind} in fragments")
        for payload in (b"", b"ping", bytes(range(125))):
            if not ws.ping(payload).wait(PATIENCE):
                sys.exit(f"ping {payload!r} is not answered")
        many = [(unit * number)[: 8 * number] for number in range(500)]
        for message in many:
            ws.send(message)
        for message in many:
            must_be(ws.recv(PATIENCE), mirrored(message), f"{kind} {len(message)} of many")
        ws.close(4321, "bye €")
    must_be((ws.close_code, ws.close_reason), (4321, "bye €"), "our close")


def is_closed():
    with dial("mirror.text") as ws:
        ws.send("/close grüße")
        try:
            must_be(ws.recv(PATIENCE), None, "the server's close")
        except ConnectionClosed as closed:
            must_be((closed.rcvd.code, closed.rcvd.reason), (4003, "grüße"), "the server's close")
            must_be(closed.rcvd_then_sent, True, "the server closed first")


speak("mirror.text", "aé€😀")
speak("mirror.binary", bytes(range(256)))
is_closed()
print("done")
