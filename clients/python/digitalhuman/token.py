# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: proof of knowing a room's secret, without sending it."""
from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import Union


def push_token(secret: str, room: Union[int, str], seconds: int = 300) -> str:
    """A token for one connection.

    secret   the room's secret
    room     the room's id
    seconds  how long it is valid, at most 3600. The clocks of both machines may differ by as much.
    """
    head = f"{int(time.time()) + seconds}.{secrets.token_urlsafe(18)}"
    mac = hmac.new(secret.encode(), f"push.{head}.{room}".encode(), hashlib.sha256)
    return f"{head}.{mac.hexdigest()}"
