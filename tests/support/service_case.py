# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of generators that stay have in common: a server whose generators are services of the test's own."""
import os
import shutil
import ssl
import tempfile

from certificates import Authority
from request_case import RequestCase, SmallServer, media
from service import Service

JCFG = """
general: { cache_folder = "{folder}/cache" worker = "{prepare}" max_workers = 2 warm_workers = 1 max_text = 100 more_s = MORE_S
	admin_key = "operator" segments_folder = "{folder}/segments" scope = "{folder}/bin/dh-scope" SETTINGS }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
GENERATORS
generator-command: { command = ( "/bin/cat", "{folder}/short.nut" ) }
generator-echo: { command = ( "/bin/sh", "-c", "cat > {folder}/said; cat {folder}/short.nut" ) }
room-one: { id = 1 avatar = "small" generator = "command" }
"""


class Server(SmallServer):
    def write_configuration(self):
        super().write_configuration()
        os.chmod(self.folder, 0o777)        # generators run as nobody, who may not reach the build
        os.mkdir(self.path("bin"), 0o755)
        for name in ("dh-scope", "dh-fetch", "dh-talker"):
            shutil.copy(os.path.join(os.path.dirname(self.prepare), name), self.path("bin"))
        media(self.path("short.nut"), 1)


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
        generators = 'generator-plain: { url = "%s" voices = ( "ada", "bob" ) }\n' % plain.url
        generators += 'generator-impatient: { url = "%s" silence_s = 2 }\n' % plain.url
        cls.more(service)
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        os.chmod(folder, 0o755)
        authority = Authority(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.sign("127.0.0.1"))
        secure = service("secure", context)
        generators += 'generator-stranger: { url = "%s" }\n' % secure.url
        generators += 'generator-secure: { url = "%s" environment = ( "SSL_CERT_FILE=%s" ) }\n' % (secure.url, authority.path)
        generators += cls.generators
        jcfg = JCFG.replace("GENERATORS", generators).replace("MORE_S", str(cls.more_s)).replace("SETTINGS", cls.settings)
        cls.begin(cls.server(jcfg))
        with open(cls.janus.path("short.nut"), "rb") as file:
            cls.media = file.read()

    generators = settings = ""      # more of the configuration; the settings are general ones
    server = Server
    more_s = 60             # longer than a busy machine takes from one piece of a text to the next

    @classmethod
    def more(cls, service):
        """For those that build on this."""

    def speaking_room(self, generator, **fields):
        room = self.ask("create", generator=generator, admin_key="operator", **{"avatar": "small", **fields})["id"]
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
