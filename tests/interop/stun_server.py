"""A STUN server on loopback, for clients that wait for the answer of one."""

import contextlib
import socket
import struct
import threading

MAGIC = 0x2112A442
BINDING_REQUEST, BINDING_SUCCESS, XOR_MAPPED_ADDRESS = 0x0001, 0x0101, 0x0020


def answer(request, address):
    """The success response to a binding request, or None for anything else."""
    if len(request) < 20 or struct.unpack_from("!HHI", request)[::2] != (BINDING_REQUEST, MAGIC):
        return None
    host, port = address
    ip = struct.unpack("!I", socket.inet_aton(host))[0]
    attribute = struct.pack("!HHBBHI", XOR_MAPPED_ADDRESS, 8, 0, 1, port ^ (MAGIC >> 16), ip ^ MAGIC)
    return struct.pack("!HHI", BINDING_SUCCESS, len(attribute), MAGIC) + request[8:20] + attribute


@contextlib.contextmanager
def running():
    """Yields the URL of a server that ends with the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        # It ends with the process.
        threading.Thread(target=serve, args=(sock,), daemon=True).start()
        yield f"stun:127.0.0.1:{sock.getsockname()[1]}"


def serve(sock):
    with contextlib.suppress(OSError):
        while True:
            request, address = sock.recvfrom(2048)
            if response := answer(request, address):
                sock.sendto(response, address)
