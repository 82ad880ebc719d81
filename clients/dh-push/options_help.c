/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "options.h"

/* clang-format off */
static const char usage[] =
"dh-push plays a segment in a room of janus.plugin.digitalhuman while it is made.\n"
"\n"
"  dh-push --room 1 --secret-file FILE gateway:8189 < speech.nut\n"
"  dh-push --room 1 unix:/run/janus/push.sock speech.nut\n"
"  dh-push --room 1 --encode --secret-file FILE tls://gateway:8190 speech.mkv\n"
"\n"
"It sends a media file, or standard input (ffmpeg ... -f nut - | dh-push ...),\n"
"as fast as the gateway reads, and prints what becomes of the segment.\n"
"\n"
"Where to:\n"
"  HOST[:PORT]          TCP (port 8189)\n"
"  tls://HOST[:PORT]    TLS (port 8190); the certificate is verified\n"
"  unix:PATH            a Unix socket\n"
"\n"
"  --room ID            the room; digits are a number\n"
"  --string-ids         the gateway has string_ids: digits are a string, too\n"
"  --secret-file FILE   the room's secret is the file's first line; the secret\n"
"                       itself is never sent\n"
"  --ca FILE            trust the certificates in this PEM file instead of the\n"
"                       system's\n"
"\n"
"The segment:\n"
"  --segment ID         its id (default: the gateway makes one)\n"
"  --text TEXT          what is said in it\n"
"  --words JSON         when each word sounds: [[\"Hello\",0,320],...] in\n"
"                       milliseconds, in order\n"
"  --metadata JSON      an object that is passed on with its events\n"
"  --utterance ID       the utterance of which it is a piece\n"
"  --index N            which piece, from 0 on\n"
"  --last               it is the last piece\n"
"\n"
"Instead of a segment:\n"
"  --interrupt          end what plays in the room, and all that waits there; no\n"
"                       media are sent\n"
"\n"
"Encoding here:\n"
"  --encode             encode with dh-prepare for the room's avatar, and send the\n"
"                       result: a small part of the bytes, and no work for the\n"
"                       gateway\n"
"  --avatar IDLE.dhs    with --encode: the avatar's idle clip or anchor (default:\n"
"                       the gateway is asked for it)\n"
"\n"
"What is printed:\n"
"  --progress-ms N      distance of progress events (default: the gateway's, 200;\n"
"                       0: none)\n"
"  --json               the gateway's lines as they are, JSON\n"
"  --quiet              nothing but errors\n"
"  --version, --help\n"
"\n"
"Without --secret-file the environment's DH_PUSH_SECRET is the room's secret.\n"
"\n"
"Exit codes: 0 the segment finished; 1 no connection, or it was lost before the\n"
"segment's end; 2 wrong option; 3 the input cannot be read; 4 the gateway refused\n"
"it; 5 interrupted; 6 skipped; 7 removed; 8 failed; 9 dh-prepare failed; 130 and\n"
"143 ended by SIGINT (Ctrl-C) and SIGTERM.\n";
/* clang-format on */

void dh_send_options_help(void)
{
	fputs(usage, stdout);
}
