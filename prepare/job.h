/* The contract between the plugin and a dh-prepare worker.
 *
 * `dh-prepare --worker` has
 *     fd 0   /dev/null
 *     fd 1   a pipe: the segment stream (playout/stream.h) goes here
 *     fd 2   the gateway's log
 *     fd 3   a SOCK_SEQPACKET socket: control
 * It loads its libraries, sends one message `ready <DH_PREPARE_PROTOCOL>` on
 * fd 3, and waits there for exactly one job: a JSON object of at most
 * DH_JOB_MAX bytes in one message, whose SCM_RIGHTS carry the descriptors it
 * names. It does the job, writes the stream (FAIL at its end where it failed)
 * and exits with one of the codes below. When fd 3 ends before a job came, it
 * exits with 0. It dies with the thread that spawned it (parent-death signal
 * set by the worker itself; it ends at once when it has become an orphan).
 *
 * Beside `--worker` the plugin gives what the worker takes away from itself
 * before it says that it is ready (prepare/confine.h; each may be missing):
 *     --parent PID     who spawned it
 *     --memory-mb N    most data (RLIMIT_DATA)
 *     --cpu-s N        most processor time (SIGXCPU)
 *     --nice N         niceness
 *     --user NAME      user to become, where it is root's
 * `dh-prepare --version` prints one line that changes whenever its output may:
 * its own version and those of the libraries that encode. It is part of the key
 * under which the plugin keeps prepared segments.
 *
 * The job's fields (integers unless said otherwise):
 *
 *     kind        string   "segment": speech, any of picture and sound
 *                          "idle":     an avatar's idle clip (picture only; its
 *                                      sound is ignored); writes PICT, anchor =
 *                                      medoid frame, or the portrait where one
 *                                      is given
 *                          "portrait": an avatar of one still picture; becomes an
 *                                      idle clip of `portrait_ms`
 *     names       array of strings: what the inputs are called, for messages; one
 *                          descriptor for each, in this order. Two for a segment:
 *                          the video file and the audio file. "idle" may have a
 *                          second: its portrait.
 *     anchor      boolean  a further descriptor follows: the anchor's picture,
 *                          I420 of width x height (default false: the first
 *                          picture of the input is the anchor)
 *     width, height        the avatar's size, even, 16 to 2304 (required)
 *     kbps                 video, 50 to 20000, default 800
 *     audio_kbps           16 to 256, default 48
 *     entry_ms             distance of entry frames, 40 to 10000, default 500
 *     fps_max              pictures a second at most, 1 to 60, default 60:
 *                          pictures that come faster are thinned out
 *     pingpong    boolean  idle: forwards, then backwards, default false
 *     portrait_ms          length of a portrait's loop, default 2000
 *     max_ms               longest accepted input, default 600000
 *     max_side             widest or highest accepted input picture, default 4096
 *     silence_ms           0, or: give up when the input yields nothing for this
 *                          long while it is being read (pipes)
 */
#ifndef DH_JOB_H
#define DH_JOB_H

#define DH_PREPARE_PROTOCOL 1
#define DH_JOB_MAX          65536
#define DH_JOB_FD           3

/* Exit codes of dh-prepare, and the codes of FAIL records. */
enum dh_prepare_exit {
	DH_PREPARE_OK = 0,
	DH_PREPARE_INTERNAL = 1,    /* a library failed in a way that is nobody's input */
	DH_PREPARE_USAGE = 2,       /* wrong option or job */
	DH_PREPARE_INPUT = 3,       /* cannot be opened or read */
	DH_PREPARE_FORMAT = 4,      /* not a medium, or a container or codec that is not accepted */
	DH_PREPARE_EMPTY = 5,       /* no picture and no sound in it */
	DH_PREPARE_LIMIT = 6,       /* longer, larger, more than allowed */
	DH_PREPARE_OUTPUT = 7,      /* the output cannot be written */
	DH_PREPARE_MEMORY = 8,      /* out of memory */
	DH_PREPARE_SILENT = 9,      /* the input stopped coming */
};

#endif
