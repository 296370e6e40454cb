"""The watch that processes keep on each other, over plain pairs of sockets."""

import queue
import socket
import threading

import pytest

from jaxseg.training.processes import Processes


@pytest.fixture
def three():
    """Connections of processes 0, 1 and 2, by process and by whom they lead to."""
    to_one, from_one = socket.socketpair()
    to_two, from_two = socket.socketpair()
    yield [{1: to_one, 2: to_two}, {0: from_one}, {0: from_two}]
    for end in (to_one, from_one, to_two, from_two):
        end.close()


def test_all_hear_of_the_one_that_has_gone(three):
    first, _, two = three
    heard = queue.Queue()
    for number, connections in enumerate((first, two)):
        Processes(connections).start(
            lambda gone, number=number: heard.put((number, gone))
        )
    three[1][0].close()
    assert sorted(heard.get(timeout=10) for _ in range(2)) == [(0, 1), (1, 1)]


def test_without_the_first_all_others_end(three):
    _, one, two = three
    heard = queue.Queue()
    watches = [Processes(one), Processes(two)]
    for watch in watches:
        watch.start(heard.put)
    for end in three[0].values():
        end.shutdown(socket.SHUT_RDWR)
    assert [heard.get(timeout=10) for _ in range(2)] == [0, 0]
    assert [watch.gone(0) for watch in watches] == [0, 0]


def test_a_process_that_is_done_may_go(three):
    heard = queue.Queue()
    watches = [Processes(connections) for connections in three]
    for watch in watches:
        watch.start(heard.put)
    parting = [threading.Thread(target=watch.part) for watch in watches]
    parting[1].start()
    assert watches[0].gone(0.1) is None
    assert parting[1].is_alive()  # it waits for the first
    for thread in parting[::2]:
        thread.start()
    for thread in parting:
        thread.join(10)
        assert not thread.is_alive()
    assert heard.empty()
