# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand viewers join one room in a row: how late are another room's events, whatever the STUN server does?"""
import gc
import os
import shutil
import sys
import time

import isolation
import neighbours
from figure import Figure
from material import open_room
from stun_server import StunServer
from viewers import Gateway

SERVERS = {"that answers": 0, "that is slow": 0.6, "that is dead": None}     # seconds
AT_ONCE = 200
JOINS_S = 600
QUIET_S = 10            # events before the first one joins
ROOMS = "".join(f'room-{n}: {{ id = {n} avatar = "probe" }}\n' for n in (1, 2, isolation.EVENTS))
CONFIGURATION = f"watch_timeout_s = {JOINS_S}"      # nobody leaves before all have joined


def events_while(gateway, goes_on):
    """How late each event is."""
    late = []
    gc.disable()
    while goes_on():
        late.append(isolation.timed_event(gateway))
        time.sleep(0.02)
    gc.enable()
    return late


def beside(hosted, gateway, stun, server, count):
    """One server's figure. Raises if not all joined, or Janus did not ask the server for each."""
    until, asked = time.monotonic() + QUIET_S, stun.asked
    quiet = events_while(gateway, lambda: time.monotonic() < until)
    began = time.monotonic()
    with neighbours.in_the_background(__file__, hosted.server.ws, str(count)) as joining:
        late = events_while(gateway, lambda: joining.poll() is None)
    if joining.returncode != 0:
        raise RuntimeError(f"not all of {count} viewers joined")
    if stun.asked - asked < count:
        raise RuntimeError(f"the STUN server was asked {stun.asked - asked} times for {count} viewers")
    figure = isolation.event_figure(f"a STUN server {server}: events while {count} join", quiet, late)
    figure.note += f"; all joined in {time.monotonic() - began:.0f} s"
    return figure


def joins(material, count):
    """Another room's events while a thousand viewers join."""
    figures = []
    with StunServer() as stun:
        hosted = open_room(material, more=ROOMS, rooms=False, nat=stun.nat(), general=CONFIGURATION)
        try:
            shutil.copy(material.mp4(5), os.path.join(hosted.segments, "known.mp4"))
            with Gateway(hosted.server.ws) as gateway:
                gateway.observe({"id": isolation.EVENTS})
                hosted.warm("known.mp4")
                for server, delay_s in SERVERS.items():
                    stun.delay_s = delay_s
                    figures.append(beside(hosted, gateway, stun, server, count))
                    stun.delay_s = 0
                    while gateway.request({"request": "info", "id": 1})["info"]["viewers"]:
                        time.sleep(0.1)
        finally:
            hosted.close(check=False)
    return figures


def join(ws, count):
    """Ends well once so many offers have come."""
    came = []
    with Gateway(ws) as gateway:
        gateway.ask_for_offers(int(count), {"id": 1}, AT_ONCE, lambda: came.append(1), JOINS_S)
    sys.exit(0 if len(came) == int(count) else 1)


if __name__ == "__main__":
    join(*sys.argv[1:])
