# SPDX-License-Identifier: GPL-3.0-or-later
"""The face: stands in for a lip-sync model of yours. It is dh-talker, who draws the demonstration's idle clip, too.

What replaces it (MuseTalk, Wav2Lip) has the same names:

    FPS            pictures a second
    PIXEL_FORMAT   "bgr24", "rgb24" or "yuv420p"
    draw(sound, rate, size)
                   sound: yields the samples of a sentence, as speak() in voice.py makes them; rate: samples a second;
                   size: (width, height). Yields (frame, samples) while they are made: frame: a numpy array, uint8 of
                   shape (height, width, 3), or bytes; samples: what sounds while it is shown, all of the sound in the
                   end. It is called in a thread, once at a time, and closed when nobody wants the rest.
"""
import io
import os
import shutil
import subprocess
import threading
import wave

FPS, PIXEL_FORMAT = 25, "yuv420p"
TALKER = os.environ.get("DH_TALKER") or shutil.which("dh-talker") or "dh-talker"
# It begins with 100 ms of silence. Filled up to three pictures, these can be left out.
LEAD_MS, LEAD_FRAMES = 20, 3


def wav(samples, rate):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes(bytes(2 * (LEAD_MS * rate // 1000)) + samples)
    return file.getvalue()


def feed(pipe, data):
    try:
        with pipe:
            pipe.write(data)
    except BrokenPipeError:
        pass            # nobody wants the rest


def pictures(samples, rate, size):
    width, height = size
    talker = subprocess.Popen([TALKER, "--audio", "-", "--size", f"{width}x{height}", "--fps", str(FPS)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    reader = subprocess.Popen(["ffmpeg", "-nostdin", "-loglevel", "fatal", "-i", "-", "-an", "-f", "rawvideo",
                               "-pix_fmt", PIXEL_FORMAT, "-"], stdin=talker.stdout, stdout=subprocess.PIPE)
    talker.stdout.close()
    feeder = threading.Thread(target=feed, args=(talker.stdin, wav(samples, rate)))
    feeder.start()
    try:
        while len(frame := reader.stdout.read(width * height * 3 // 2)) == width * height * 3 // 2:
            yield frame
    finally:
        for process in (reader, talker):
            process.kill()
            process.wait()
        reader.stdout.close()
        feeder.join()


def draw(sound, rate, size):
    samples = b"".join(sound)
    step, at = 2 * (rate // FPS), 0
    for number, frame in enumerate(pictures(samples, rate, size)):
        if number >= LEAD_FRAMES and at < len(samples):
            yield frame, samples[at:at + step].ljust(step, b"\0")
            at += step
    if at < len(samples):
        raise RuntimeError(f"{TALKER} made {at} of {len(samples)} bytes of sound into pictures")
