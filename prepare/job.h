/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The protocol between the plugin and a dh-prepare worker.
 *
 * Workers are copies of a fork server, which has loaded the libraries once: a copy takes a
 * millisecond or two, a new program eighty. `dh-prepare --fork-server` has
 *     fd 0, 1  /dev/null
 *     fd 2     the gateway's log
 *     fd 3     a SOCK_SEQPACKET socket
 * It sends `ready <DH_PREPARE_PROTOCOL>` on fd 3. Then each message `fork <number>` with two
 * descriptors (SCM_RIGHTS), which become fd 1 and fd 3 of a new worker, is answered there by
 * the worker, `worker <number> <pid>`, or by the server, `failed <number> <errno>`, in any
 * order. The worker is a child of the process that spawned the server, which must reap it.
 * Once its fd 3 is shut down, the server exits with 0; when all that it made have answered,
 * the socket is at its end, even if the server was killed.
 *
 * A worker has
 *     fd 0   /dev/null
 *     fd 1   a pipe: the segment stream (playout/stream.h) goes here
 *     fd 2   the gateway's log
 *     fd 3   a SOCK_SEQPACKET socket for control
 * It waits on fd 3 for exactly one job: a JSON object of at most DH_JOB_MAX bytes in one
 * message, with the descriptors of its inputs as SCM_RIGHTS. A SOCK_SEQPACKET among them is
 * the envelope of a file (prepare/envelope.h); anything else, such as a pipe or a
 * SOCK_STREAM to which a generator pushes, is the input itself: when its first byte has been
 * read the worker sends `first` on fd 3. It does the job, writes the stream (which ends in
 * FAIL if it failed) and exits with a code below.
 * If fd 3 is closed before a job came, it exits with 0. Server and workers die with the
 * thread that spawned the server: they set the parent-death signal themselves, and exit at
 * once if they are orphans already.
 *
 * These options limit the server before it reports ready, and so its workers
 * (prepare/confine.h); each may be missing:
 *     --parent PID     the process that spawned it
 *     --memory-mb N    limit of data (RLIMIT_DATA)
 *     --cpu-s N        limit of a worker's processor time (SIGXCPU); DH_LIVE_CPU_TIMES as much for a
 *                      job with silence_ms
 *     --nice N         niceness
 *     --user NAME      the user to become, if started as root
 * `dh-prepare --version` prints one line that changes whenever its output may
 * change: its own version and those of the encoding libraries. It is part of the key
 * of cached segments.
 *
 * The job's fields (integers unless noted):
 *
 *     kind        string   "segment": speech, any of picture and sound
 *                          "idle":     an avatar's idle clip, without sound, with
 *                                      PICT; the anchor is its most typical
 *                                      picture, or the portrait if there is one
 *                          "portrait": the same from one still picture, of
 *                                      `portrait_ms`
 *                          "bridge":   from a segment into the idle clip: pictures of
 *                                      the clip, into which the segment's last picture
 *                                      fades. Its inputs are prepared streams
 *                                      (playout/stream.h) of that size: the end of the
 *                                      segment, and the piece of the clip, each from an
 *                                      entry on. It needs an anchor
 *                          "background": as "portrait", but the picture covers all of
 *                                      the size; what does not fit beside it is cut
 *                          "mark":     as "portrait", but what is made is the corner of
 *                                      pictures of the size, with its matte, that a
 *                                      disclosure mark lies in (playout/mark.h)
 *     names       array of strings, one for each input, for messages (others may have files with
 *                          the same contents: DH_JOB_NAME_1 and DH_JOB_NAME_2 stand for them); the
 *                          descriptors come in this order. A segment may have two:
 *                          the video file and the audio file. "idle" may have a
 *                          second, its portrait.
 *     anchor      boolean  one more descriptor follows: the anchor's picture, I420 of
 *                          width x height (default false: the anchor is the first
 *                          picture of the input)
 *     anchor_frame boolean one more descriptor follows: that picture as the avatar's encoder
 *                          coded it. It is tried first, and if it comes out the same, it is the
 *                          anchor, whatever `kbps` is (default false: the quantizer is searched)
 *     background  string   what shows through transparent pictures: "#rrggbb" (default
 *                          DH_BACKGROUND), or "picture": one more descriptor follows:
 *                          I420 of width x height. Or DH_BACKGROUND_CLEAR: nothing does, and
 *                          pictures are coded with their mattes (playout/matte.h). Then the
 *                          anchor's picture is of the coded height
 *     mark        string   there is a disclosure mark in every picture, in this corner: "bottom-right",
 *                          "bottom-left", "top-right" or "top-left"; one more descriptor follows:
 *                          what a job "mark" made of it, dh_mark_size bytes. Of a job "mark" where it
 *                          will be, and none follows. None with "background" and "bridge", whose
 *                          pictures have it already
 *     lead        boolean  one more descriptor follows: the read end of a pipe from the worker
 *                          that encodes the piece before this one of its utterance. The end
 *                          of that sound comes through it (prepare/tail.h), or nothing. The
 *                          segment's units wait for it, up to DH_LEAD_WAIT_MS.
 *     tail        boolean  one more descriptor follows: the write end of such a pipe, for
 *                          the piece behind this one
 *     width, height        the avatar's size, even, 16 to 2304 (required); with mattes the
 *                          height is 1144 at most
 *     kbps                 video, 50 to 20000, default 800
 *     kbps_2, kbps_3       of a second and a third quality, each lower than the one before, 0:
 *                          there is none; default 0
 *     temporal    boolean  every second picture behind an entry is droppable, default false
 *     audio_kbps           16 to 256, default 48
 *     entry_ms             distance between entry frames, 40 to 10000, default 500
 *     fps_max              highest frame rate, 1 to 60, default 60; faster input
 *                          loses pictures
 *     speed                of the video encoder in the first second, for which somebody may be waiting,
 *                          DH_SPEED_MIN to DH_SPEED_MAX, default 6: faster costs quality, or bits
 *     speed_later          the same, of the rest; default DH_SPEED_MIN, or, for pictures of more than
 *                          640x480, `speed`: a processor is to be well ahead of those who watch
 *     pingpong    boolean  idle: forwards, then backwards, default false
 *     portrait_ms          length of a portrait's clip, default 2000
 *     skip                 bridge: so many pictures of the clip are only decoded; default 0
 *     leaves      boolean  bridge: the clip's pictures fade into the segment's, not that one into them;
 *                          default false
 *     max_ms               longest accepted input, 1 to DH_SEGMENT_MS_MAX, default 600000
 *     max_side             largest accepted side of an input picture, default 4096
 *     silence_ms           fail if a pipe yields nothing for this long while it is being
 *                          read; 0: never
 */
#ifndef DH_JOB_H
#define DH_JOB_H

/* Raised whenever the job or the stream changes, so that a dh-prepare of another release is
 * refused with an error that names both versions.
 *     2   streams of version 2, with flags in ENDS
 *     3   files come in envelopes; jobs have a speed
 *     4   streams of version 3, with words, leads and the stated length in DHS1; bridges; leads
 *         and tails of pieces; backgrounds and mattes; workers tell of the first byte
 *     5   workers are copies of a fork server
 *     6   the anchor's frame
 *     7   streams of version 4, with fades
 *     8   bridges that lead out of the clip
 *     9   streams of version 5, with qualities; temporal layers
 *     10  disclosure marks
 *     11  speed_later
 *     12  stand-ins for the names of files
 */
#define DH_PREPARE_PROTOCOL 12
/* What stands for the names of files: U+FFFC, the object replacement character. */
#define DH_JOB_NAME       "\xef\xbf\xbc"
#define DH_JOB_NAME_1     DH_JOB_NAME "1"
#define DH_JOB_NAME_2     DH_JOB_NAME "2"
#define DH_FORK_ASK       "fork %u"
#define DH_FORK_DONE      "worker %u %d"
#define DH_FORK_FAILED    "failed %u %d"
#define DH_JOB_FIRST      "first"
#define DH_JOB_MAX        65536
#define DH_JOB_FD         3
#define DH_LEAD_WAIT_MS   60000
#define DH_SEGMENT_MS_MAX (24 * 3600 * 1000)
/* A worker whose input is live, so that it may last all day, gets so many times `--cpu-s`. */
#define DH_LIVE_CPU_TIMES   144
#define DH_SPEED_MIN        3
#define DH_SPEED_MAX        16
#define DH_BACKGROUND       "#d8d8d8"
#define DH_BACKGROUND_CLEAR "transparent"

/* Exit codes of dh-prepare, and the codes of FAIL records. */
enum dh_prepare_exit {
	DH_PREPARE_OK = 0,
	DH_PREPARE_INTERNAL = 1, /* a library failed, whatever the input */
	DH_PREPARE_USAGE = 2,    /* wrong option or job */
	DH_PREPARE_INPUT = 3,    /* cannot be opened or read */
	DH_PREPARE_FORMAT = 4,   /* not media, or a container or codec that is not accepted */
	DH_PREPARE_EMPTY = 5,    /* neither picture nor sound in it */
	DH_PREPARE_LIMIT = 6,    /* longer or larger than allowed */
	DH_PREPARE_OUTPUT = 7,   /* the output cannot be written */
	DH_PREPARE_MEMORY = 8,   /* out of memory */
	DH_PREPARE_SILENT = 9,   /* the input stalled */
	DH_PREPARE_FOUND = 10,   /* --check-idle has found something */
};

/* A variable of a generator's environment; see scope_sweep.h. */
#define DH_SCOPE_MARK "DH_SCOPE"
/* Exit codes of dh-scope if it cannot run the command; one line on standard error says why. */
#define DH_SCOPE_NOT_CONFINED 126
#define DH_SCOPE_NOT_STARTED  127
#define DH_SCOPE_PREFIX       "dh-scope: "
/* One more descriptor that dh-scope hands on to its command. */
#define DH_SCOPE_MORE_FD 4

#endif
