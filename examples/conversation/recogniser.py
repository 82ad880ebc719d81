# SPDX-License-Identifier: GPL-3.0-or-later
"""The recogniser: pocketsphinx with its American English, the smallest that Debian has. It understands simple
sentences that are spoken clearly; a real one (Whisper, say) has the same name:

    recognise(sound, reference)   what was said, or "" for a cough, noise and the like. sound: bytes, signed 16 bit,
                                  little-endian, 16000 samples a second, one channel: all of the utterance, or its
                                  beginning, from a little before the voice on. reference: as long; what the avatar
                                  itself said meanwhile, for an echo canceller. It is called in a thread, once at a
                                  time, again and again while an utterance that interrupts gets longer.
"""
import os
import re

from pocketsphinx import Decoder, get_model_path

SURE = 0.2          # a result in which no word is likelier than this is none
MODELS = get_model_path()
if os.path.isdir(os.path.join(MODELS, "en-us", "en-us")):      # version 5
    MODELS = os.path.join(MODELS, "en-us")
SETTINGS = {"-hmm": os.path.join(MODELS, "en-us"), "-lm": os.path.join(MODELS, "en-us.lm.bin"),
            "-dict": os.path.join(MODELS, "cmudict-en-us.dict"), "-logfn": os.devnull}
FASTER = {"-maxwpf": 10, "-maxhmmpf": 5000}

config = Decoder.default_config()
for name, value in SETTINGS.items():
    config.set_string(name, value)
for name, value in FASTER.items():
    config.set_int(name, value)
decoder = Decoder(config)
if hasattr(config, "this"):
    config.this.disown()    # the older version's bindings cannot free it, and would say so at the end


def likelihood(segment):
    """0 to 1; the older version gives a logarithm, which is an integer."""
    return segment.prob if isinstance(segment.prob, float) else decoder.get_logmath().exp(segment.prob)


def recognise(sound, reference):
    if not sound:
        return ""
    decoder.start_utt()
    decoder.process_raw(sound, False, True)
    decoder.end_utt()
    words = [(re.sub(r"\(\d+\)$", "", s.word), likelihood(s)) for s in decoder.seg() or () if s.word[0] not in "<[+"]
    return " ".join(word for word, _ in words) if any(sure >= SURE for _, sure in words) else ""
