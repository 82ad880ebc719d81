# SPDX-License-Identifier: GPL-3.0-or-later
"""How many rooms can speak at once, each by a command, before one of them has to hold?"""
import time

import marks
from figure import Figure
from material import open_room
from viewers import Gateway

ROOMS = 128             # more than two cores carry, so that it is the processors that limit
SECONDS = 10
GENERAL = f"max_live = {ROOMS} max_rooms = {ROOMS + 2}\n"
ROOM = 'room-{id}: {{ id = {id} avatar = "probe" generator = "clip" }}\n'


def clip(material):
    """What the command writes: 512x512, 25 fps, H.264 and AAC, in a container for pipes."""
    film = material.mp4(SECONDS)
    return material.make(f"{SECONDS}s.nut", lambda path: marks.ffmpeg("-i", film, "-c", "copy", "-f", "nut", path))


def configuration(path):
    return f'generator-clip: {{ command = [ "/bin/cat", "{path}" ] }}\n' + "".join(
        ROOM.format(id=n) for n in range(11, 11 + ROOMS))


def counts(gateway, room):
    return gateway.request({"request": "stats", "id": room})["segments"]


def speak(gateway, count):
    """Whether `count` rooms that begin to speak together all speak to their ends without a hold."""
    rooms = range(11, 11 + count)
    before = {room: counts(gateway, room) for room in rooms}
    for room in rooms:
        gateway.request({"request": "say", "id": room, "text": "x"})
    end = time.monotonic() + 10 * SECONDS + count * SECONDS
    waiting = set(rooms)
    while waiting:
        time.sleep(0.5)
        for room in list(waiting):
            now = counts(gateway, room)
            if now["finished"] + now["failed"] > before[room]["finished"] + before[room]["failed"]:
                waiting.discard(room)
        if time.monotonic() > end:
            raise TimeoutError(f"{len(waiting)} of {count} rooms do not end")
    after = {room: counts(gateway, room) for room in rooms}
    if any(after[room]["failed"] > before[room]["failed"] for room in rooms):
        raise RuntimeError("a sentence failed")
    return all(after[room]["held"] == before[room]["held"] for room in rooms)


def most(gateway):
    """The largest number that speaks without a hold: doubled until one holds, then halved in between."""
    good, bad = 0, ROOMS + 1
    count = 4
    while bad - good > 1:
        if speak(gateway, count):
            good = count
        else:
            bad = count
        count = min(2 * good or 1, ROOMS) if bad > ROOMS else (good + bad) // 2
    return good


def speakers(material, runs):
    hosted = open_room(material, general=GENERAL, more=configuration(clip(material)))
    try:
        with Gateway(hosted.server.ws) as gateway:
            for room in range(11, 11 + ROOMS):
                while gateway.request({"request": "info", "id": room})["info"]["state"] != "idle":
                    time.sleep(0.1)
            found = [most(gateway) for _ in range(runs)]
    finally:
        hosted.close()
    return [Figure("rooms that speak at once without a hold", found, unit="",
                   note=f"512x512, 25 fps, {SECONDS} s each, by a command that writes as fast as it is read")]
