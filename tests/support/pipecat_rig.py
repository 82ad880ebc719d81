# SPDX-License-Identifier: GPL-3.0-or-later
"""The output transport for Pipecat between two neighbours: in Pipecat itself where it is installed, else in a
stand-in."""
import asyncio
import inspect
import os
import sys

from pipecat_standin import install
from push_server import WAIT_S

IS_REAL = install()
sys.path.insert(0, os.path.join(os.environ["DH_ROOT"], "clients", "pipecat"))
from digitalhuman_pipecat import DigitalHumanOutput, DigitalHumanParams
from pipecat.frames import frames as f
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

RATE = 24000
PICTURE = bytes(range(192)) * 64       # 64 x 64
UP, DOWN = FrameDirection.UPSTREAM, FrameDirection.DOWNSTREAM


class Neighbour(FrameProcessor):
    """Keeps what comes."""

    def __init__(self):
        super().__init__()
        self.frames, self.came = [], asyncio.Event()

    async def queue_frame(self, frame, direction=DOWN, callback=None):
        self.frames.append(frame)
        self.came.set()

    async def process_frame(self, frame, direction):
        pass

    def kinds(self, *kinds):
        return [type(frame).__name__ for frame in self.frames if isinstance(frame, kinds)]

    async def wait(self, kind, count=1):
        while len(self.kinds(kind)) < count:
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), WAIT_S)
        return [frame for frame in self.frames if isinstance(frame, kind)]


class Rig:
    """`server`: the stand-in for the gateway, if it is one."""

    def __init__(self, stage, server=None, **params):
        self.server, self.stage = server, stage
        self.output = DigitalHumanOutput(self.stage, DigitalHumanParams(
            audio_out_sample_rate=RATE, video_out_width=64, video_out_height=64, **{"pause_s": WAIT_S, **params}))
        self.before, self.after = Neighbour(), Neighbour()
        self.before.link(self.output)
        self.output.link(self.after)

    async def __aenter__(self):
        if IS_REAL:
            await self.set_up_the_real_one()
        await self.send(f.StartFrame())
        return self

    async def set_up_the_real_one(self):
        from pipecat.clocks.system_clock import SystemClock
        from pipecat.processors.frame_processor import FrameProcessorSetup
        from pipecat.utils.asyncio import task_manager
        manager = task_manager.TaskManager()
        if hasattr(task_manager, "TaskManagerParams"):      # until 1.0
            manager.setup(task_manager.TaskManagerParams(loop=asyncio.get_running_loop()))
        named = {"clock": SystemClock(), "task_manager": manager, "observer": None, "audio_out_sample_rate": RATE}
        known = inspect.signature(FrameProcessorSetup).parameters
        for name, parameter in known.items():
            if parameter.default is inspect.Parameter.empty:
                named.setdefault(name, None)
        await self.output.setup(FrameProcessorSetup(**{n: v for n, v in named.items() if n in known}))

    async def __aexit__(self, *error):
        await self.output.cleanup()
        if not IS_REAL:
            await self.output.cancel_tasks()

    async def send(self, *frames):
        for frame in frames:
            await self.output.queue_frame(frame, DOWN)

    async def speak(self, ms, pictures=0):
        await self.send(f.TTSStartedFrame())
        for at in range(0, ms, 40):
            await self.send(f.TTSAudioRawFrame(b"\1\2" * (RATE * min(40, ms - at) // 1000), RATE, 1))
        if pictures:
            while not self.server.pushes:
                await asyncio.sleep(0.01)
        for _ in range(pictures):
            await self.send(f.OutputImageRawFrame(PICTURE, (64, 64), "RGB"))

    async def until(self, condition):
        while not condition():
            await asyncio.sleep(0.01)

    def bot(self, neighbour):
        return neighbour.kinds(f.BotStartedSpeakingFrame, f.BotStoppedSpeakingFrame)
