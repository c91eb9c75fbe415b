"""A peer of libzmq by pyzmq that does what it is told: one JSON request a line in, one JSON answer a line out.

A part is text, or {"length": n, "seed": s}: byte i of it is (31 i + s) mod 256, as in pyzmq-peer.ts.
"""
import json
import struct
import sys

import zmq

PATIENCE_MS = 30_000
context = zmq.Context()
sockets = {}


def make(part):
    if isinstance(part, str):
        return part.encode("latin-1")
    period = bytes((31 * i + part["seed"]) & 255 for i in range(256))
    length = part["length"]
    return (period * (length // 256 + 1))[:length]


def open_socket(type, options, bind=None, connect=None):
    socket = context.socket(getattr(zmq, type))
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, PATIENCE_MS)
    socket.setsockopt(zmq.SNDTIMEO, PATIENCE_MS)
    for name, value in options.items():
        socket.setsockopt(getattr(zmq, name), value.encode() if isinstance(value, str) else value)
    if bind is not None:
        socket.bind(bind)
    if connect is not None:
        socket.connect(connect)
    handle = len(sockets) + 1
    sockets[handle] = socket
    return {"socket": handle, "address": socket.getsockopt(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()}


def send(socket, parts):
    sockets[socket].send_multipart([make(part) for part in parts])


def receive(socket, expected):
    """Says where what came differs from what is expected, or null. "hello" is not looked at."""
    got = [b"hello"]
    while got == [b"hello"]:
        got = sockets[socket].recv_multipart()
    wanted = [make(part) for part in expected]
    if got == wanted:
        return None
    return f"{[(len(part), part[:16].hex()) for part in got][:5]} in place of {[(len(part), part[:16].hex()) for part in wanted][:5]}"


def poll(socket, ms):
    return sockets[socket].poll(ms) != 0


def send_numbers(socket, count):
    out = sockets[socket]
    for number in range(count):
        out.send(struct.pack("<I", number))


def receive_numbers(socket, count):
    into = sockets[socket]
    for number in range(count):
        (got,) = struct.unpack("<I", into.recv())
        if got != number:
            return f"{got} where {number} was due"
    return None


def set_option(socket, name, value):
    sockets[socket].setsockopt(getattr(zmq, name), value.encode() if isinstance(value, str) else value)


def close(socket):
    sockets[socket].close()


for line in sys.stdin:
    request = json.loads(line)
    action = {
        "open": open_socket,
        "send": send,
        "receive": receive,
        "poll": poll,
        "send_numbers": send_numbers,
        "receive_numbers": receive_numbers,
        "set": set_option,
        "close": close,
        "version": lambda: zmq.zmq_version(),
    }[request.pop("action")]
    try:
        answer = {"ok": action(**request)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
