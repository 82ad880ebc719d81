#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever watches the room and speaks into the microphone is answered. ./run --conversation starts it; README.md says
how it works, and how to put real models in."""
import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import sys
from types import SimpleNamespace

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(1, os.path.join(HERE, "../../clients/python"))     # where it is not installed

from digitalhuman import PushError, Stage       # noqa: E402
from conversation import Conversation           # noqa: E402
from ears import listening                      # noqa: E402
from gateway import Gateway, Refused            # noqa: E402
from visit import Kept, usual_file, visiting    # noqa: E402

PARTS = ("recogniser", "model", "voice", "face")


def flat(error):
    """What is in a group of groups of exceptions."""
    return [one for e in error.exceptions for one in flat(e)] if isinstance(error, ExceptionGroup) else [error]


def load(name, path):
    """A part of the conversation, from a file."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (ImportError, OSError) as error:
        sys.exit(f"conversation: {path}: {error}")
    return module


def tell_people(what):
    texts = {"ready": "Listening. Open the page, switch the microphone on, and say hello.",
             "said": "viewer {viewer}: {text}", "no_words": "viewer {viewer}: (no words)",
             "heard": "avatar: {text} ({state})", "failed": "no answer: {error}"}
    if what["event"] in texts:
        print(texts[what["event"]].format(**what), flush=True)


async def converse(options, parts):
    room = {"id": options.room, **({"secret": options.secret} if options.secret else {})}
    tell = (lambda what: print(json.dumps(what), flush=True)) if options.json else tell_people

    def connect(on_event=lambda event: None):
        return Gateway(options.janus, on_event, **room)
    with Kept(options.state or usual_file(options.janus, options.room)) as kept, \
            Stage(options.push, options.room, options.secret) as stage:
        info, tasks = await asyncio.to_thread(stage.info), asyncio.TaskGroup()
        conversation = Conversation(stage, parts, (info["width"], info["height"]), tell, tasks)
        async with visiting(connect, kept, conversation.leave), connect(conversation.on_event) as gateway, tasks:
            tasks.create_task(gateway.watch_over())
            async with listening(gateway, options.dh_listen, kept) as sounds:
                await gateway.ask("observe")
                await conversation.run(gateway, sounds)
                raise RuntimeError("dh-listen has ended")


async def main(options, parts):
    """Until a signal comes. A second one does not disturb what the first one began."""
    work = asyncio.create_task(converse(options, parts))
    loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)

    def end():
        for number in signals:
            loop.add_signal_handler(number, lambda: None)
        work.cancel()
    for number in signals:
        loop.add_signal_handler(number, end)
    with contextlib.suppress(asyncio.CancelledError):
        await work


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--janus", default="ws://127.0.0.1:8188", help="its WebSocket (%(default)s)")
    parser.add_argument("--push", default="127.0.0.1:8189", help="where the gateway takes pushes (%(default)s)")
    parser.add_argument("--room", default="1", help="its id (%(default)s)")
    parser.add_argument("--string-ids", action="store_true",
                        help="the gateway has string_ids: digits are a string, too")
    parser.add_argument("--secret", default=os.environ.get("DH_ROOM_SECRET"), help="the room's ($DH_ROOM_SECRET)")
    parser.add_argument("--dh-listen", default="dh-listen", help="the program")
    parser.add_argument("--state", help="the file that says how the room was before "
                                        "(~/.local/state/digitalhuman/conversation-….json, one for each room)")
    parser.add_argument("--json", action="store_true", help="say what happens in lines of JSON")
    for part in PARTS:
        parser.add_argument(f"--{part}", default=os.path.join(HERE, f"{part}.py"), help="the file (%(default)s)")
    options = parser.parse_args()
    if options.room.isdecimal() and not options.string_ids:
        options.room = int(options.room)
    return options


if __name__ == "__main__":
    given = parse()
    loaded = SimpleNamespace(**{part: load(part, getattr(given, part)) for part in PARTS})
    try:
        asyncio.run(main(given, loaded))
    except Exception as problem:
        if not all(isinstance(one, (OSError, PushError, Refused, RuntimeError)) for one in flat(problem)):
            raise
        sys.exit("\n".join(dict.fromkeys(f"conversation: {one}" for one in flat(problem))))
