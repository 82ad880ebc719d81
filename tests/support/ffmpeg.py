# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes files with ffmpeg, for all tests of a run: what one has made, another gets as a copy. DH_TEST_MEDIA names the
folder where they are kept; without it, everything is made anew."""
import hashlib
import json
import os
import shutil
import subprocess
import tempfile


def ffmpeg(*arguments, data=None, drawn_from=None):
    """Runs ffmpeg; the last argument is the file that it makes, `data` its standard input: bytes, or a function that
    makes them of nothing but what `drawn_from` names."""
    arguments = list(map(str, arguments))
    kept = _place(arguments, data if drawn_from is None else repr(drawn_from).encode())
    if kept and os.path.exists(kept):
        shutil.copyfile(kept, arguments[-1])
        return
    if callable(data):
        data = data()
    subprocess.run(["ffmpeg", *(["-nostdin"] if data is None else []), "-v", "error", "-y", *arguments], input=data,
                   check=True)
    if kept:
        with tempfile.NamedTemporaryFile(dir=os.path.dirname(kept), delete=False) as file, open(arguments[-1], "rb") as made:
            shutil.copyfileobj(made, file)
        os.rename(file.name, kept)


def _place(arguments, data):
    """Where it is kept, by all that it is made from; None: it is not."""
    folder, *inner, last = os.environ.get("DH_TEST_MEDIA"), *arguments
    state = [os.path.splitext(last)[1], None if data is None else hashlib.sha256(data).hexdigest()]
    for before, word in zip([""] + inner, inner):
        if before == "-i" and os.path.isfile(word):
            with open(word, "rb") as file:
                word = hashlib.sha256(file.read()).hexdigest() + os.path.splitext(word)[1]
        elif os.path.isabs(word):
            return None
        state.append(word)
    if not folder or not os.path.isabs(last):
        return None
    return os.path.join(folder, hashlib.sha256(json.dumps(state).encode()).hexdigest())
