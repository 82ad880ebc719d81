# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of generators that stay have in common: a server whose generators are services of the test's own."""
import os
import shutil
import ssl
import subprocess

from janus_server import JanusServer
from request_case import RequestCase, media
from service import Service

JCFG = """
general: { cache_folder = "{folder}/cache" worker = "{prepare}" max_workers = 2 warm_workers = 1 max_text = 100 more_s = 2
	admin_key = "operator" segments_folder = "{folder}/segments" scope = "{folder}/bin/dh-scope" }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
GENERATORS
generator-command: { command = ( "/bin/cat", "{folder}/short.nut" ) }
generator-echo: { command = ( "/bin/sh", "-c", "cat > {folder}/said; cat {folder}/short.nut" ) }
room-one: { id = 1 avatar = "small" generator = "command" }
"""


class Server(JanusServer):
    def write_configuration(self):
        super().write_configuration()
        os.chmod(self.folder, 0o777)        # generators run as nobody, who may not reach the build
        os.mkdir(self.path("bin"), 0o755)
        for name in ("dh-scope", "dh-fetch", "dh-talker"):
            shutil.copy(os.path.join(os.path.dirname(self.prepare), name), self.path("bin"))
        media(self.path("idle.avi"), 1, sound=False)
        media(self.path("short.nut"), 1)


def certificate(folder):
    """Of the test's own, for 127.0.0.1."""
    paths = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", paths[0], "-out", paths[1],
                    "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    return paths


class Services(RequestCase):
    """Each test has a service `x` of its own: what it answers is `self.answer`."""

    @classmethod
    def setUpClass(cls):
        cls.answers = {}
        cls.services = {}

        def service(name, context=None):
            cls.services[name] = Service(lambda asked: cls.answers[name](asked), context)
            cls.addClassCleanup(cls.services[name].close)
            return cls.services[name]

        plain = service("plain")
        generators = 'generator-plain: { url = "%s" voices = ( "ada", "bob" ) silence_s = 2 }\n' % plain.url
        cls.more(service)
        cls.folder = subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip()
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.folder])
        os.chmod(cls.folder, 0o755)
        key, cert = certificate(cls.folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        secure = service("secure", context)
        generators += 'generator-stranger: { url = "%s" }\n' % secure.url
        generators += 'generator-secure: { url = "%s" environment = ( "SSL_CERT_FILE=%s" ) }\n' % (secure.url, cert)
        generators += cls.generators
        cls.janus = cls.server(JCFG.replace("GENERATORS", generators)).start()
        cls.addClassCleanup(cls.janus.stop)
        cls.janus.wait_for_state(cls.janus.attach(), 1, "idle")
        with open(cls.janus.path("short.nut"), "rb") as file:
            cls.media = file.read()

    generators = ""
    server = Server

    @classmethod
    def more(cls, service):
        """For those that build on this."""

    def speaking_room(self, generator):
        room = self.ask("create", avatar="small", generator=generator, admin_key="operator")["id"]
        self.addCleanup(self.ask, "destroy", id=room)
        observer = self.attach()
        observer.request({"request": "observe", "id": room})
        self.janus.wait_for_state(self.handle, room, "idle")
        return room, observer.events

    def say(self, room, text="Hello", **fields):
        answer = self.ask("say", id=room, text=text, **fields)
        self.assertEqual(answer["digitalhuman"], "queued", answer)
        return answer["segment"]

    def await_asked(self, name, count, events):
        """The service's request of that number; says what happened instead if none comes."""
        try:
            return self.services[name].await_asked(count)
        except TimeoutError as error:
            raise AssertionError(f"{error}; {events.data()}\n{self.janus.log()[-3000:]}") from error

    def event(self, events, segment, *names):
        return events.wait(lambda e: e.get("segment") == segment and e.get("event") in names)

    def end_of(self, events, segment):
        return self.event(events, segment, "finished", "failed", "interrupted")
