"""The processes of a run watch each other, so that one's death ends all at once.

Where a process dies, JAX lets the others wait in their next step, or aborts them with
the messages of its own layers. Here each process keeps a connection to the first one,
which the operating system closes when a process dies, however it does; a machine that
no longer answers is found out by the connection's own probes.
"""

import contextlib
import json
import os
import secrets
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

import jax
import numpy as np
from jax.experimental import multihost_utils

from jaxseg.errors import MISTAKE, UserError, tell

CONNECT_SECONDS = 60
SILENT_SECONDS = 20
"""After so long without an answer from another machine it counts as dead."""
GRACE_SECONDS = 1.0
"""So long a process may take to end by what it found itself, such as a bad file."""
_DONE = -1
_NUMBER = 8
_TOKEN = 32
_LETTER = 512


class Processes:
    """This process's connections to the others of its run.

    All connect to the first, and the first tells the others who has gone.
    """

    def __init__(self, connections: dict[int, socket.socket]):
        """Watches `connections`, by the number of the process at the other end."""
        self._connections = connections
        self._gone: int | None = None
        self._seen = threading.Event()
        self._all_done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self, ended: Callable[[int], object]) -> None:
        """Calls `ended` with the number of the first process that goes too early."""
        self._ended = ended
        self._thread.start()

    def gone(self, seconds: float) -> int | None:
        """Number of a process that has gone, waited for; None if all are there."""
        self._seen.wait(seconds)
        return self._gone

    def part(self) -> None:
        """Waits until all processes are done; from then on they may go."""
        for number in self._connections:
            self._send(number, _DONE)
        self._all_done.wait()
        for connection in self._connections.values():
            connection.close()

    def _send(self, number: int, word: int) -> None:
        with contextlib.suppress(OSError):  # it has gone, which is seen on reading
            self._connections[number].sendall(word.to_bytes(_NUMBER, signed=True))

    def _watch(self) -> None:
        with selectors.DefaultSelector() as waiting:
            for number, connection in self._connections.items():
                waiting.register(connection, selectors.EVENT_READ, number)
            while waiting.get_map():
                for key, _ in waiting.select():
                    word = _receive(self._connections[key.data], _NUMBER)
                    if word and int.from_bytes(word, signed=True) == _DONE:
                        waiting.unregister(key.fileobj)
                        continue
                    self._found(int.from_bytes(word, signed=True) if word else key.data)
                    return
        self._all_done.set()

    def _found(self, number: int) -> None:
        self._gone = number
        for other in self._connections:
            if other != number:
                self._send(other, number)
        self._seen.set()
        self._ended(number)


def _receive(connection: socket.socket, count: int) -> bytes:
    """`count` bytes; none if the other end has gone."""
    parts = b""
    while len(parts) < count:
        try:
            more = connection.recv(count - len(parts))
        except OSError:
            return b""
        if not more:
            return b""
        parts += more
    return parts


def connect(host: str | None) -> Processes:
    """Connects this process with the others of its run, in all of them at once.

    Args:
      host: by which the others reach the first process; None takes its own name.

    Raises:
      UserError: they do not reach it.
    """
    if jax.process_index() == 0:
        with _listening(host) as server:
            letter = {
                "host": host or socket.gethostname(),
                "port": server.getsockname()[1],
                "token": secrets.token_hex(_TOKEN // 2),
            }
            _broadcast(letter)
            return Processes(_accept(server, letter["token"]))
    letter = _broadcast({})
    where = letter["host"], letter["port"]
    try:
        connection = socket.create_connection(where, CONNECT_SECONDS)
    except OSError as error:
        raise UserError(
            f"process {jax.process_index()} does not reach the first one at "
            f"{where[0]}:{where[1]} ({error.strerror or error}): allow connections "
            "between the machines of a run"
        ) from error
    _enable_probes(connection)
    number = jax.process_index().to_bytes(_NUMBER, signed=True)
    connection.sendall(letter["token"].encode() + number)
    return Processes({0: connection})


def _listening(host: str | None) -> socket.socket:
    """A server on the address that was said, else on all."""
    if host is not None:
        family, _, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[
            0
        ]
        return socket.create_server(address[:2], family=family)  # pyright: ignore
    if socket.has_dualstack_ipv6():
        family = socket.AF_INET6
        return socket.create_server(("", 0), family=family, dualstack_ipv6=True)
    return socket.create_server(("", 0))


def _accept(server: socket.socket, token: str) -> dict[int, socket.socket]:
    """Connections of all other processes; those of strangers are closed."""
    connections: dict[int, socket.socket] = {}
    deadline = time.monotonic() + CONNECT_SECONDS
    while len(connections) < jax.process_count() - 1:
        server.settimeout(max(deadline - time.monotonic(), 0.01))
        try:
            connection, _ = server.accept()
        except TimeoutError:
            missing = set(range(1, jax.process_count())) - set(connections)
            raise UserError(
                f"process {min(missing)} of this run does not reach the first one: "
                "allow connections between the machines of a run"
            ) from None
        connection.settimeout(CONNECT_SECONDS)
        greeting = _receive(connection, _TOKEN + _NUMBER)
        if greeting[:_TOKEN] != token.encode():
            connection.close()
            continue
        _enable_probes(connection)
        connections[int.from_bytes(greeting[_TOKEN:], signed=True)] = connection
    return connections


def _enable_probes(connection: socket.socket) -> None:
    """Lets the system ask now and then whether the other machine is there."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", SILENT_SECONDS // 2),
        ("TCP_KEEPINTVL", SILENT_SECONDS // 4),
        ("TCP_KEEPCNT", 2),
    ):
        if hasattr(socket, name):  # by operating system
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _broadcast(letter: dict) -> dict:
    """The letter of the first process, in all of them."""
    text = json.dumps(letter).encode().ljust(_LETTER)
    values = np.frombuffer(text, np.uint8)
    found = np.asarray(multihost_utils.broadcast_one_to_all(values))
    return json.loads(found.astype(np.uint8).tobytes())


_ending = threading.Lock()


def leave(sentence: object, status: int = MISTAKE) -> NoReturn:
    """Ends this process with a sentence and without the clean-up of others' layers.

    What these do at the end waits for processes that may be gone. Files are written
    under another name first, so that nothing is left half-written.
    """
    _ending.acquire()  # whoever comes second waits for the end
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    print(file=sys.stderr)  # below a progress line
    tell(sentence)
    os._exit(status)
