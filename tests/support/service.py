# SPDX-License-Identifier: GPL-3.0-or-later
"""Generators that are HTTP services, for tests.

    service = Service(lambda asked: asked.send(media))      # service.url
    asked.text, asked.headers                                # what it was asked, as far as it has come

An answer is a function that gets what was asked (Asked) and sends media.
"""
import socket
import threading


class Asked:
    def __init__(self, connection):
        self.connection, self.text, self.is_whole, self.headers = connection, b"", False, {}
        self.changed = threading.Condition()
        self.file = connection.makefile("rb")
        self.is_begun = False

    def read_head(self):
        self.line = self.file.readline().decode()
        for line in iter(self.file.readline, b"\r\n"):
            if not line:
                break
            name, value = line.decode().rstrip("\r\n").split(": ", 1)
            self.headers[name] = value

    def read_text(self):
        """The whole text, as it comes."""
        if "Content-Length" in self.headers:
            self.add(self.file.read(int(self.headers["Content-Length"])))
        else:
            while True:
                size = int(self.file.readline() or b"0", 16)
                if not size:
                    break
                self.add(self.file.read(size))
                self.file.readline()
        with self.changed:
            self.is_whole = True
            self.changed.notify_all()

    def add(self, more):
        with self.changed:
            self.text += more
            self.changed.notify_all()

    def await_text(self, text, timeout=60):
        with self.changed:
            if not self.changed.wait_for(lambda: text in self.text, timeout):
                raise TimeoutError(f"{text} did not come; there was {self.text}")

    def await_whole(self, timeout=60):
        with self.changed:
            if not self.changed.wait_for(lambda: self.is_whole, timeout):
                raise TimeoutError(f"the text did not end: {self.text}")

    def status(self, line, body=b""):
        self.is_begun = True
        self.connection.sendall(b"HTTP/1.1 " + line.encode() + b"\r\n\r\n" + body)

    def send(self, media):
        if not self.is_begun:
            self.status("200 OK")
        self.connection.sendall(media)


class Service:
    """Answers each request in a thread of its own, and closes its connection afterwards. `asked`: all requests."""

    def __init__(self, answer, context=None):
        self.answer, self.context, self.asked, self.new = answer, context, [], threading.Condition()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}/say"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()

    def serve_one(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            asked = Asked(connection)
            asked.read_head()
            with self.new:
                self.asked.append(asked)
                self.new.notify_all()
            reading = threading.Thread(target=asked.read_text, daemon=True)
            reading.start()
            self.answer(asked)
            connection.shutdown(socket.SHUT_WR)
            reading.join(5)
        except (OSError, ValueError):
            pass        # whoever asked has gone
        finally:
            connection.close()

    def await_asked(self, count, timeout=60):
        with self.new:
            if not self.new.wait_for(lambda: len(self.asked) >= count, timeout):
                raise TimeoutError(f"asked {len(self.asked)} times, not {count}")
        return self.asked[count - 1]

    def close(self):
        """A thread that still waited in accept() would take the next service's connections: its descriptor has
        the same number, and the call is made anew after the process was stopped."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(60)
        self.socket.close()
