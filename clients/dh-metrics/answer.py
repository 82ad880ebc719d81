# SPDX-License-Identifier: GPL-3.0-or-later
"""Which metrics there are, and where in the plugin's answer to `stats` (docs/api.md)."""

STATES = ("preparing", "idle", "speaking", "failed", "listening", "thinking")
# Of `usage`: the metric, its unit, what it is. Where there is a limit, that is a metric, too.
USAGE = (
    ("sessions", "sessions", "", "Sessions of the Janus API that have a handle of the plugin."),
    ("handles", "handles", "", "Handles of the plugin."),
    ("descriptors", "process_descriptors", "", "Open file descriptors of the gateway's process."),
    ("memory_bytes", "process_resident_memory", "bytes", "Resident memory of the gateway's process."),
    ("workers", "workers_busy", "", "Workers that prepare a file."),
    ("workers_live", "workers_live", "", "Workers that prepare what a generator is making."),
    ("workers_ready", "workers_ready", "", "Workers that wait for a job."),
    ("jobs_waiting", "jobs_waiting", "", "Jobs that wait for a worker."),
    ("reads_waiting", "reads_waiting", "", "Reads that wait for a disk."),
    ("reads_lost", "reads_lost", "", "Reads that a file system does not answer."),
    ("media_descriptors", "media_descriptors", "", "File descriptors of segments in all rooms."),
    ("media_bytes", "media", "bytes", "Memory of segments in all rooms."),
    ("io_longest_turn_ms", "io_longest_turn", "seconds",
     "The longest time for which the thread that supervises workers was busy, this minute and the whole one before."),
    ("cache_bytes", "cache", "bytes", "Size of the cache of prepared segments."),
    ("events_waiting", "events_waiting", "", "Events that wait to be sent to handles."),
    ("requests_waiting", "requests_waiting", "", "Requests that wait to be answered by an event."),
    ("offers_waiting", "offers_waiting", "", "Offers that wait to be sent to viewers."),
    ("offer_threads", "offer_threads", "", "Offers that are being made."),
    ("pushes", "pushes", "", "Connections of generators that push."),
    ("rooms", "rooms", "", "Rooms."),
    ("viewers", "viewers", "", "Viewers in all rooms, from watch until they have left."),
    ("observers", "observers", "", "Observers in all rooms."),
    ("forwards", "forwards", "", "RTP forwards of all rooms."),
    ("recordings", "recordings", "", "Rooms that are being recorded."),
)
MEDIA = ("audio", "video")
# Counters of a room: the path in its `stats`, the metric, its labels, what it is.
ROOM_COUNTERS = (
    ("segments/played_ms", "played_seconds_total", {}, "Time of segments played."),
    ("sent/pictures", "sent_pictures_total", {}, "Pictures sent."),
    ("sent/anchors", "sent_key_frames_total", {}, "Pictures sent that were key frames."),
    ("sent/late_dropped", "late_dropped_total", {}, "Pictures and packets of sound that were too late to be sent."),
    ("sent/plis", "key_frame_requests_total", {}, "Key frames that browsers asked for (PLI and FIR)."),
    ("sent/repairs", "repairs_total", {}, "Entries sent so that they do without what receivers reported lost."),
    ("slow_links", "slow_links_total", {}, "How often Janus found a viewer's link slow."),
    *(("forwarded/" + what, "forwarded_%s_total" % what, {}, text) for what, text in (
        ("packets", "RTP packets sent to where rooms are forwarded."), ("bytes", "Bytes of them, without UDP and IP."),
        ("dropped", "Packets that could not be sent there."), ("refused", "How often nobody listened there."))),
    *(("sent/%s_packets" % media, "sent_packets_total", {"media": media}, "RTP packets handed to Janus.")
      for media in MEDIA),
    *(("sent/%s_bytes" % media, "sent_bytes_total", {"media": media}, "Bytes of them, without SRTP, UDP and IP.")
      for media in MEDIA),
    *(("received/%s/reports" % media, "receiver_reports_total", {"media": media}, "RTCP receiver reports of viewers.")
      for media in MEDIA),
    *(("received/%s/lost" % media, "lost_packets_total", {"media": media},
       "Packets lost on their way, as viewers report.") for media in MEDIA),
    *(("segments/" + event, "segments_total", {"event": event}, "What became of segments.")
      for event in ("queued", "started", "finished", "interrupted", "skipped", "removed", "failed", "held", "waiting")),
    *(("underruns/%s_ms" % kind, "underrun_seconds_total", {"kind": kind},
       "Time for which media were waited for (held), was dropped as too late, or lay between pieces of an utterance.")
      for kind in ("held", "dropped", "between")),
    *(("interruptions/" + kind, "interruptions_total", {"kind": kind},
       "Interruptions and holds that were asked for, and what became of them.")
      for kind in ("asked", "holds", "resumed", "undone", "discarded")),
)
# Histograms of a room: the object with the edges, the histogram in it, the metric, its labels, what it is.
ROOM_HISTOGRAMS = (
    *(("lateness", media, "lateness_seconds", {"media": media}, "How late after it was due something went to Janus.")
      for media in MEDIA),
    ("lateness", "skew", "skew_seconds", {}, "How far apart sound and pictures for a viewer left."),
    *(("joins", since, "join_seconds", {"since": since},
       "Time from watch, or from the connection (media), to a viewer's first picture.") for since in ("watch", "media")),
    *(("interruptions", mode, "interruption_seconds", {"mode": mode},
       "Time from an interruption to the last packet of speech.") for mode in ("now", "word")),
)
ROOM = "digitalhuman_room_"


def add_usage(out, usage):
    for field, name, unit, about in USAGE:
        scale = 1000 if field.endswith("_ms") else 1
        ending = "_" + unit if unit else ""
        used, limit = usage[field]["used"], usage[field]["limit"]
        out.gauge("digitalhuman_%s%s" % (name, ending), about, used / scale if scale > 1 else used)
        out.gauge("digitalhuman_%s_limit%s" % (name, ending), "The most of it: " + about, limit)


def add_generators(out, generators):
    for generator in generators:
        name, places = generator["generator"], generator["places"]
        total = lambda field: sum(place[field] for place in places)
        out.gauge("digitalhuman_generator_waiting", "Segments that wait for a place at the generator.",
                  generator["waiting"], generator=name)
        out.gauge("digitalhuman_generator_busy", "Segments that the generator is making.", total("busy"), generator=name)
        out.counter("digitalhuman_generator_asked_total", "Segments that the generator was asked for.",
                    total("asked"), generator=name)
        out.counter("digitalhuman_generator_failed_total", "Segments at which the generator failed.",
                    total("failed"), generator=name)


def add_first_packets(out, first):
    for source in first["sources"]:
        out.histogram("digitalhuman_first_packet_seconds",
                      "Time from the request for a segment to its first packet.", first["le_ms"], source["total"],
                      source=source["source"], generator=source.get("generator", ""))


def add_room_counters(out, room, stats):
    for path, name, labels, about in ROOM_COUNTERS:
        value = stats
        for key in path.split("/"):
            value = value[key]
        out.counter(ROOM + name, about, value / 1000 if path.endswith("_ms") else value, room=room, **labels)


def add_room_histograms(out, room, stats):
    for group, key, name, labels, about in ROOM_HISTOGRAMS:
        out.histogram(ROOM + name, about, stats[group]["le_ms"], stats[group][key], room=room, **labels)


def add_room(out, entry):
    room, stats = entry["id"], entry["stats"]
    for field, name, about in (("viewers", "viewers", "Viewers."), ("observers", "observers", "Observers."),
                               ("forwards", "forwards", "RTP forwards.")):
        out.gauge(ROOM + name, about, entry[field]["used"], room=room)
    for field, unit, scale, about in (("queue", "segments", 1, "Segments that wait."),
                                      ("queue_ms", "seconds", 1000, "Media that wait, as far as they are known."),
                                      ("queue_bytes", "bytes", 1, "Memory of the segments that wait.")):
        for metric, key, text in (("queue_", "used", about), ("queue_limit_", "limit", "The most of it: " + about)):
            value = entry[field][key]
            out.gauge(ROOM + metric + unit, text, value / scale if scale > 1 else value, room=room)
    out.gauge(ROOM + "up", "Whether the room answered.", int(stats is not None), room=room)
    if stats is None:
        return
    for state in STATES:
        out.gauge(ROOM + "state", "1 for the room's state, 0 for all others.", int(stats["state"] == state),
                  room=room, state=state)
    out.gauge(ROOM + "preroll_seconds", "How much of a generator's segment must be there before it starts.",
              stats["underruns"]["preroll_ms"] / 1000, room=room)
    add_room_counters(out, room, stats)
    add_room_histograms(out, room, stats)


def add_all(out, answer):
    add_usage(out, answer["usage"])
    for field, kind in (("asked", "jobs_total"), ("failed", "jobs_failed_total")):
        out.counter("digitalhuman_" + kind, "Jobs for workers that were %s." % {"asked": "asked for"}.get(field, field),
                    answer["jobs"][field])
    out.gauge("digitalhuman_cache_entries", "Prepared segments in the cache.", answer["cache"]["entries"])
    for field in ("hits", "misses"):
        out.counter("digitalhuman_cache_%s_total" % field, "Segments that were looked for in the cache: %s." % field,
                    answer["cache"][field])
    add_generators(out, answer["usage"]["generators"])
    add_first_packets(out, answer["first_frame"])
    for entry in answer["usage"]["each_room"]:
        add_room(out, entry)
