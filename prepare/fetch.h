/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dh-fetch and the plugin agree on. dh-fetch asks a generator that is an HTTP service
 * to speak:
 *
 *     DH_URL=URL [DH_ROOM=… …] dh-fetch [--connect-s N] [--silence-s N] [--socket FD]
 *
 * It POSTs its standard input to the URL while it comes, and writes the body of the answer
 * to its standard output while that comes. Only numbers are on its command line: the URL may
 * hold a password. Nothing is written before a status of 2xx. On failure, standard error
 * gets one line, to be read after "the generator". `--socket`: the O_PATH descriptor of a Unix
 * socket's file; the connection goes there, whatever the URL says.
 */
#ifndef DH_FETCH_H
#define DH_FETCH_H

/* Exit codes. After UNABLE, REFUSED and MUTE nothing has been written. */
enum dh_fetch_exit {
	DH_FETCH_OK = 0,
	DH_FETCH_USAGE = 10,
	DH_FETCH_UNABLE = 11,  /* not reached, or it cannot now: another service may */
	DH_FETCH_REFUSED = 12, /* it says that the request is wrong: another would say so too */
	DH_FETCH_BROKEN = 13,  /* it ended too early, after media had come */
	DH_FETCH_READER = 14,  /* whoever reads the output has gone; no line */
	DH_FETCH_MUTE = 15,    /* it has said nothing for too long: another service may */
	DH_FETCH_SILENT = 16,  /* it fell silent after media had come */
};

#endif
