#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""push_av_segment: pieces of an utterance, in any order, from any thread."""
import random
import unittest

import numpy as np

from push_server import EVERYTHING, WAIT_S
from client_case import Case, check_cut, made
from digitalhuman import PushError, Stage

FORMAT = {"fps": 25, "sample_rate": 24000}


def arrays(count=5, seed=1):
    frames, sounds = zip(*made(count, seed))
    return np.stack(frames), np.concatenate(sounds)


class Pieces(Case):
    def stage(self, server, **options):
        return super().stage(server, **{**FORMAT, **options})

    def test_whole_arrays_in_any_order(self):
        server = self.server()
        stage = self.stage(server)
        media = {n: arrays(seed=n) for n in range(12)}
        order = list(media)
        random.Random(1).shuffle(order)
        futures = {n: stage.push_av_segment(n, *media[n], utterance="u", last=n == 11, text="Hello") for n in order}
        for n, future in futures.items():
            self.assertEqual((future.result(WAIT_S).event, future.result().played_ms), ("finished", 200))
        stage.close()
        self.assertEqual(sorted(p.line["index"] for p in server.pushes), list(range(12)))
        for push in server.pushes:
            frames, wave = media[push.line["index"]]
            self.assertEqual((push.line["utterance"], push.line.get("last")),
                             ("u", True if push.line["index"] == 11 else None))
            self.assertEqual(b"".join(push.media.stream("video")[0]), frames.tobytes())
            self.assertEqual(b"".join(push.media.stream("audio")[0]), wave.tobytes())

    def test_few_at_a_time_but_always_those_due_next(self):
        server = self.server()
        server.allowed_ms = 0           # nothing ends
        stage = self.stage(server, max_parallel=3)
        futures = [stage.push_av_segment(n, *arrays(), utterance="u") for n in reversed(range(20))]
        # the first three that came, and the two that the utterance needs
        server.wait(lambda pushes: len(pushes) == 5)
        self.assertEqual(sorted(p.line["index"] for p in server.pushes), [0, 1, 17, 18, 19])
        server.play(EVERYTHING)
        self.assertEqual([f.result(WAIT_S).event for f in futures], ["finished"] * 20)
        stage.close()

    def test_an_interruption_ends_the_rest_too(self):
        server = self.server()
        server.allowed_ms = 80
        stage = self.stage(server, max_parallel=2)
        futures = [stage.push_av_segment(n, *arrays(), utterance="u", text="Hello") for n in range(10)]
        other = stage.push_av_segment(0, *arrays(), utterance="other")
        server.wait(lambda pushes: len(pushes) == 3 and all(p.played_ms == 80 for p in pushes))
        for push in list(server.pushes):
            if push.line["utterance"] == "u":
                push.interrupt()
        results = [f.result(WAIT_S) for f in futures]
        self.assertEqual({r.event for r in results}, {"interrupted"})
        self.assertEqual([r.played_ms for r in results], [80, 80] + [0] * 8)
        self.assertEqual(results[9].heard_text, "")
        late = stage.push_av_segment(10, *arrays(), utterance="u")
        self.assertEqual(late.result(WAIT_S).event, "interrupted")
        server.play(EVERYTHING)
        self.assertEqual(other.result(WAIT_S).event, "finished")
        stage.close()
        self.assertEqual({p.line["index"] for p in server.pushes if p.line["utterance"] == "u"}, {0, 1})

    def test_one_that_is_interrupted_alone(self):
        """By its id, for which the gateway ends no other."""
        server = self.server()
        server.allowed_ms = 80
        stage = self.stage(server)
        futures = [stage.push_av_segment(n, *arrays(), utterance="u", last=n == 5) for n in range(6)]
        other = stage.push_av_segment(0, *arrays(), utterance="other")
        server.wait(lambda pushes: len(pushes) == 5 and all(p.played_ms == 80 for p in pushes))
        first, = (p for p in server.pushes if p.line["utterance"] == "u" and p.line["index"] == 0)
        stage.interrupt(segment=first.segment)
        results = [f.result(WAIT_S) for f in futures]
        self.assertEqual([(r.event, r.played_ms) for r in results],
                         [("interrupted", 80)] * 4 + [("interrupted", 0)] * 2)
        self.assertEqual(server.interruptions, [{"segment": first.segment}, {"utterance": "u"}])
        server.play(EVERYTHING)
        self.assertEqual(other.result(WAIT_S).event, "finished")
        stage.close()

    def test_one_that_waits_is_interrupted_alone(self):
        """What plays before it is played to its end."""
        server = self.server()
        server.allowed_ms = 0
        stage = self.stage(server)
        futures = [stage.push_av_segment(n, *arrays(), utterance="u", last=n == 5) for n in range(6)]
        server.wait(lambda pushes: len(pushes) == 4 and all(p.media and p.media.ms == 200 for p in pushes))
        playing, _, waiting, _ = sorted(server.pushes, key=lambda p: p.line["index"])
        playing.allowed_ms = 80
        playing.wake()
        server.wait(lambda pushes: playing.played_ms == 80)
        stage.interrupt(segment=waiting.segment)
        self.assertEqual([f.result(WAIT_S).event for f in futures[1:]], ["interrupted"] * 5)
        playing.allowed_ms = EVERYTHING
        playing.wake()
        self.assertEqual(futures[0].result(WAIT_S).event, "finished")
        stage.close()
        self.assertEqual(server.interruptions, [{"segment": waiting.segment}, {"utterance": "u", "mode": "segment"}])

    def test_one_with_an_id_of_its_own_that_is_still_being_connected(self):
        """Its id is known, but not to the gateway."""
        server = self.server()
        server.allowed_ms = 80
        stage = self.stage(server)
        first = stage.push_av_segment(0, *arrays(), utterance="u", segment="mine-0")
        server.wait(lambda pushes: pushes and pushes[0].played_ms == 80)
        server.accepts.clear()
        second = stage.push_av_segment(1, *arrays(), utterance="u", segment="mine-1")
        server.wait(lambda _: any(p.line and p.line.get("index") == 1 for p in server.all))
        stage.interrupt(segment="mine-0")
        self.assertEqual(first.result(WAIT_S).played_ms, 80)
        self.assertEqual((second.result(WAIT_S).event, second.result().played_ms), ("interrupted", 0))
        server.accepts.set()
        server.play(EVERYTHING)
        stage.close()

    def test_where_the_others_cannot_be_ended(self):
        """They are cut: what has arrived plays, but no more."""
        server = self.server()
        server.allowed_ms = 80
        stage = self.stage(server)
        futures = [stage.push_av_segment(n, *arrays(), utterance="u") for n in range(2)]
        server.wait(lambda pushes: len(pushes) == 2 and all(p.played_ms == 80 for p in pushes))
        server.stop_listening()
        first, = (p for p in server.pushes if p.line["index"] == 0)
        with self.assertLogs("digitalhuman", "WARNING"):
            first.interrupt(closes=False)
            self.assertEqual([f.result(WAIT_S).event for f in futures], ["interrupted"] * 2)
            stage.close()

    def test_who_waits_for_a_piece_may_push_another(self):
        """In a Future's callback, also for those that nobody will hear."""
        server = self.server()
        server.allowed_ms = 80
        stage = self.stage(server, max_parallel=1)
        more = []

        def push(_):
            more.append(stage.push_av_segment(100 + len(more), *arrays(1), utterance="u"))
        futures = [stage.push_av_segment(n, *arrays(), utterance="u") for n in range(6)]
        for future in futures:
            future.add_done_callback(push)
        for push in list(server.wait(lambda pushes: len(pushes) == 2)):
            push.interrupt()
        self.assertEqual({f.result(WAIT_S).event for f in futures}, {"interrupted"})
        stage.close()
        self.assertEqual([f.result(WAIT_S).event for f in more], ["interrupted"] * 6)

    def test_an_utterance_that_the_room_has_cut(self):
        server = self.server()
        stage = self.stage(server, max_parallel=1)
        server.allowed_ms = 0
        futures = [stage.push_av_segment(n, *arrays(), utterance="u") for n in range(6)]
        first, = (p for p in server.wait(lambda pushes: len(pushes) == 2) if p.line["index"] == 0)
        first.stop({"event": "removed", "reason": "cut"})
        futures[0].result(WAIT_S)       # before the second one ends and the third can begin
        server.play(EVERYTHING)
        results = [f.result(WAIT_S) for f in futures]
        self.assertEqual(str(results[0]), "removed (cut), played_ms=0")
        self.assertEqual({r.event for r in results[2:]}, {"interrupted"})
        stage.close()

    def test_the_utterance_goes_on_until_its_last(self):
        server = self.server()
        stage = self.stage(server)
        for index, last in ((0, False), (2, True), (1, False), (0, True), (0, False), (0, False)):
            stage.push_av_segment(index, *arrays(1), last=last).result(WAIT_S)
        stage.close()
        utterances = [p.line["utterance"] for p in server.pushes]
        self.assertEqual(len(set(utterances[:3])), 1)
        self.assertEqual(len(set(utterances)), 4)

    def test_a_wrong_argument_takes_no_index(self):
        server = self.server()
        with self.stage(server, **FORMAT) as stage:
            stage.push_av_segment(0, *arrays())
            with self.assertRaises(TypeError):
                stage.push_av_segment(1, *arrays(), colour="red")
            with self.assertRaises(ValueError):
                stage.push_av_segment(1, *arrays(), fps=0)
            stage.push_av_segment(1, *arrays(), last=True)
        self.assertEqual(len({push.line["utterance"] for push in server.pushes}), 1)

    def test_sound_or_pictures_alone_and_lists(self):
        server = self.server()
        stage = self.stage(server)
        frames, wave = arrays()
        stage.push_av_segment(0, None, wave).result(WAIT_S)
        stage.push_av_segment(1, list(frames), None).result(WAIT_S)
        # sound that ends before the pictures holds nothing up
        stage.push_av_segment(2, frames, wave[:1000]).result(WAIT_S)
        stage.close()
        self.assertEqual([len(p.media.streams) for p in server.pushes], [2, 2, 3])    # the last one has words

    def test_failures_are_the_pieces_own(self):
        server = self.server(refuse=(464, "too many"))
        stage = self.stage(server)
        with self.assertRaises(PushError):
            stage.push_av_segment(0, *arrays()).result(WAIT_S)
        server.refuse = None            # else the refusal may come first
        frames, wave = arrays()
        with self.assertRaisesRegex(TypeError, "^samples: expected"):
            stage.push_av_segment(1, frames, wave.astype(np.float64)).result(WAIT_S)
        with self.assertRaisesRegex(ValueError, "^fps, sample_rate"):
            Stage("gateway").push_av_segment(0, None, None)
        stage.close()

    def test_leaving_the_stage_with_an_exception_cuts_them(self):
        server = self.server()
        server.allowed_ms = 0
        with self.assertRaises(ZeroDivisionError):
            with self.stage(server, max_parallel=1) as stage:
                futures = [stage.push_av_segment(n, *arrays()) for n in range(5)]
                server.first()
                1 / 0
        self.assertTrue(all(f.done() for f in futures))
        self.assertTrue(futures[4].cancelled())

    def test_what_is_cut_while_it_is_made_shows_it(self):
        server = self.server()

        def slow():
            yield from arrays()[0][:3]
            server.first().over.wait(WAIT_S)
            yield arrays()[0][3]
        with self.assertRaises(ZeroDivisionError):
            with self.stage(server, **FORMAT) as stage:
                stage.push_av_segment(0, slow(), arrays()[1])
                server.wait(lambda p: p and p[0].media and len(p[0].media.stream("video")[0]) == 3)
                1 / 0
        check_cut(self, server.first())


if __name__ == "__main__":
    unittest.main()
