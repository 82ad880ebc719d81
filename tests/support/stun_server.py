# SPDX-License-Identifier: GPL-3.0-or-later
"""A STUN server that answers at once, late, or not at all.

    with StunServer() as stun:
        JanusServer(JCFG, nat=stun.nat())   # Janus asks it once before it starts
        stun.delay_s = None                 # from now on it does not answer
"""
import heapq
import select
import socket
import struct
import threading
import time

from janus_server import free_ports, own_address

BINDING, ANSWERED = 0x0001, 0x0101
XOR_MAPPED_ADDRESS, COOKIE = 0x0020, 0x2112A442


def answer_to(request, host, port):
    """What a server answers to a binding request from there; None: it is none."""
    if len(request) < 20 or struct.unpack_from("!H2xI", request) != (BINDING, COOKIE):
        return None
    address = struct.unpack("!I", socket.inet_aton(host))[0] ^ COOKIE
    return struct.pack("!HHI12s HHBBHI", ANSWERED, 12, COOKIE, request[8:20],
                       XOR_MAPPED_ADDRESS, 8, 0, 1, port ^ COOKIE >> 16, address)


class StunServer:
    """`delay_s` is how late it answers what comes from now on (None: never); `asked` counts requests, however often each came."""

    def __init__(self):
        self.address, (self.port,) = own_address(), free_ports(1)
        self.delay_s, self._requests = 0, set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, self.port))
        self._is_open = True
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_open = False
        self._thread.join()
        self._socket.close()

    @property
    def asked(self):
        return len(self._requests)

    def nat(self):
        """What Janus is configured with, to ask it."""
        return f'stun_server = "{self.address}" stun_port = {self.port}'

    def _serve(self):
        due, number = [], 0     # (when, number, answer, to whom)
        while self._is_open:
            wait_s = min(0.2, max(0, due[0][0] - time.monotonic())) if due else 0.2
            if select.select([self._socket], [], [], wait_s)[0]:
                request, whom = self._socket.recvfrom(2000)
                self._requests.add(request[8:20])
                number += 1
                answer = answer_to(request, *whom)
                if answer and self.delay_s is not None:
                    heapq.heappush(due, (time.monotonic() + self.delay_s, number, answer, whom))
            while due and due[0][0] <= time.monotonic():
                *_, answer, whom = heapq.heappop(due)
                self._socket.sendto(answer, whom)
