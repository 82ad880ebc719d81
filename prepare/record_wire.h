/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a room sends to dh-record: messages on a SOCK_SEQPACKET socket, the first byte of which tells what follows. The
 * end of the socket ends the recording. Before it exits dh-record may answer with one message, a text that says what
 * went wrong.
 */
#ifndef DH_RECORD_WIRE_H
#define DH_RECORD_WIRE_H

#define DH_RECORD_AUDIO 'a' /* an RTP packet of Opus; timestamp 0 is the beginning */
#define DH_RECORD_VIDEO 'v' /* the same of VP8, with descriptors as in playout/vp8.h */
#define DH_RECORD_LINE  'l' /* a line of JSON for the file beside it, without its end */

#define DH_RECORD_MESSAGE_MAX (64 * 1024)
#define DH_RECORD_TEXT_MAX    1000 /* of the answer */

#endif
