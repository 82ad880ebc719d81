/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "accept.h"
#include "options.h"

/* clang-format off */
static const char usage[] =
"dh-prepare prepares a media file to be played by janus.plugin.digitalhuman.\n"
"\n"
"  dh-prepare speech.mp4 -o speech.dhs                a segment\n"
"  dh-prepare frames.mp4 speech.wav -o speech.dhs     a video and an audio file\n"
"  dh-prepare speech.mp4 --avatar idle.dhs -o speech.dhs\n"
"  dh-prepare --idle idle.mp4 --size 512x512 -o idle.dhs\n"
"  dh-prepare --portrait face.png --size 512x512 -o idle.dhs\n"
"  dh-prepare --raw-video bgr24:512x512@33 frames.bgr \\\n"
"             --raw-audio f32le:24000:1 speech.f32 -o speech.dhs\n"
"  dh-prepare --info speech.dhs\n"
"  dh-prepare --export speech.webm speech.dhs\n"
"  dh-prepare --check-idle idle.mp4\n"
"\n"
"FILE may be - for standard input.\n"
"\n"
"  -o, --output FILE    the output; - is standard output\n"
"  --avatar IDLE.dhs    take size and anchor from an avatar's idle clip, so that\n"
"                       the segment follows it without a key frame\n"
"  --size WxH           size of the picture (default: the input's own); the\n"
"                       aspect ratio is kept\n"
"  --kbps N             video bit rate (800)\n"
"  --audio-kbps N       audio bit rate (48)\n"
"  --entry-ms N         distance between entry frames, where viewers join (500)\n"
"  --fps-max N          drop pictures above this rate (60)\n"
	"  --speed N            of the video encoder, 6 to 16: faster costs a little quality (6)\n"
"  --idle               make an avatar's idle clip; its anchor is the most typical\n"
"                       picture\n"
"  --portrait FILE      with --idle: use this picture as the anchor; alone: make\n"
"                       an avatar of one picture\n"
"  --portrait-ms N      length of its clip (2000)\n"
"  --pingpong           with --idle: forwards, then backwards\n"
"  --raw-video PIXELS:WxH@RATE\n"
"  --raw-audio SAMPLES:RATE:CHANNELS\n"
"                       the next file is an array as numpy's tofile writes it;\n"
"                       formats are named as in FFmpeg\n"
"  --max-ms N           refuse longer inputs (14400000)\n"
"  --max-side N         refuse larger input pictures (4096)\n"
"  --silence-ms N       give up when a pipe is silent for this long (0: never)\n"
"  --quiet              no progress bar\n"
"\n"
"  --info FILE          describe a prepared segment and verify its checksums\n"
"  --json               with --info: as JSON\n"
"  --export OUT FILE    write a prepared segment as WebM, for any player\n"
"  --check-idle FILE    says at which seconds an idle clip moves its lips, though\n"
"                       nobody speaks, and whether its loop jumps from its last\n"
"                       picture to its first (not with --pingpong). It does not\n"
"                       know what a face is: it compares how much the mouth's\n"
"                       place moves with the same place above it, and with the\n"
"                       clip's median second\n"
"  --mouth X,Y,WxH      the mouth's place in per cent of the picture (30,50,40x30)\n"
"  --worker             serve one job of the gateway plugin\n"
"                       (with --parent PID, --memory-mb N, --cpu-s N, --nice N,\n"
"                       --user NAME)\n"
"  --version, --help\n"
"\n"
"Exit codes: 0 done; 1 a library failed; 2 wrong option; 3 the input cannot be\n"
"read; 4 not media, or not accepted; 5 neither picture nor sound in it;\n"
"6 longer or larger than allowed; 7 the output cannot be written; 8 out of\n"
"memory; 9 the input stalled; 10 --check-idle has found something.\n";
/* clang-format on */

void dh_options_help(void)
{
	fputs(usage, stdout);
	printf("\nContainers: %s.\nCodecs: %s.\n", dh_accept_containers_text(), dh_accept_codecs_text());
}
