/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-record: writes what a room sends into files (record_wire.h). A process of its own, so that a disk that is slow,
 * full or hangs is no matter of the gateway's, and so that the files are completed even if the gateway is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <libavutil/log.h>

#include "playout/continuity.h"
#include "playout/vp8.h"
#include "record_mjr.h"
#include "record_queue.h"
#include "record_webm.h"
#include "record_wire.h"

#define QUEUE_BYTES (64 << 20)
#define NAME_BYTES  256
/* In the first byte of a picture (RFC 6386, 9.1), and of its descriptor (RFC 7741). */
#define IS_NO_KEY_FRAME 0x01
#define IS_SHOWN        0x10
#define BEGINS_PICTURE  0x10

static const char help[] = "Usage: dh-record --folder FOLDER --name NAME [options]\n"
			   "Started by the gateway, which sends what a room plays to its standard input, a\n"
			   "socket. Writes FOLDER/NAME.webm and so on, and NAME.jsonl, what was played when.\n\n"
			   "  --webm, --mjr                     the files that are wanted\n"
			   "  --title TEXT, --comment TEXT      for the WebM file\n\n"
			   "It ends when the socket does; it ignores SIGHUP, SIGINT and SIGTERM.\n\n"
			   "Exit codes: 0 complete, 1 a file could not be written, 2 wrong option.\n";

struct record {
	const char *folder_name, *name;
	int folder; /* -1: not open */
	bool wants_webm, wants_mjr, has_key;
	const char *title, *comment; /* NULL: none */
	struct dh_record_queue *queue;
	struct dh_record_webm *webm;
	struct dh_record_mjr mjr[2];
	FILE *lines;
	uint64_t dropped;        /* messages, while the files took none */
	char failed[NAME_BYTES]; /* the file that could not be written */
};

/* --- files */

/* The first error is the one that is reported. */
static int name_of(struct record *record, const char *ending, int err)
{
	if (err && !record->failed[0])
		snprintf(record->failed, sizeof(record->failed), "%s%s", record->name, ending);
	return err;
}

static const char *mjr_ending(enum dh_media media)
{
	return media == DH_VIDEO ? "-video.mjr" : "-audio.mjr";
}

static int open_webm(struct record *record, int64_t begun_us)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%s.webm", record->name);
	return name_of(record, ".webm",
		dh_record_webm_open(&record->webm, record->folder, name, begun_us, record->title, record->comment));
}

static int open_mjr(struct record *record, enum dh_media media, int64_t begun_us)
{
	const char *ending = mjr_ending(media);
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%s%s", record->name, ending);
	return name_of(record, ending, dh_record_mjr_open(&record->mjr[media], record->folder, name, media, begun_us));
}

static int open_files(struct record *record)
{
	struct timeval now;
	char name[NAME_BYTES];
	int err;

	record->folder = open(record->folder_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (record->folder < 0)
		return name_of(record, "", -errno);
	snprintf(name, sizeof(name), "%s.jsonl", record->name);
	err = name_of(record, ".jsonl", dh_record_create(&record->lines, record->folder, name));
	gettimeofday(&now, NULL);
	int64_t begun_us = (int64_t)now.tv_sec * 1000000 + now.tv_usec;
	if (!err && record->wants_webm)
		err = open_webm(record, begun_us);
	for (int media = 0; media < 2 && !err && record->wants_mjr; media++)
		err = open_mjr(record, (enum dh_media)media, begun_us);
	return err;
}

static int first(int err, int next)
{
	return err ? err : next;
}

/* All of them, whatever happens. */
static int close_files(struct record *record)
{
	int err = name_of(record, ".webm", dh_record_webm_close(&record->webm));

	for (int media = 0; media < 2; media++)
		err = first(err,
			name_of(record, mjr_ending((enum dh_media)media), dh_record_mjr_close(&record->mjr[media])));
	if (record->lines && fclose(record->lines))
		err = first(err, name_of(record, ".jsonl", -errno));
	if (record->folder >= 0)
		close(record->folder);
	return err;
}

/* --- messages */

static int write_line(struct record *record, const uint8_t *text, size_t size)
{
	bool is_written = fwrite(text, 1, size, record->lines) == size && fputc('\n', record->lines) != EOF &&
		fflush(record->lines) == 0;

	return is_written ? 0 : name_of(record, ".jsonl", -errno);
}

/* A key frame that only makes the next picture decodable is not to be seen, but for the first: players want one. */
static void hide(struct record *record, struct dh_record_message *message)
{
	uint8_t *payload = message->bytes + 1 + DH_RTP_HEADER_SIZE;

	if (message->size <= 1 + DH_RTP_HEADER_SIZE + DH_VP8_DESCRIPTOR_SIZE || !(payload[0] & BEGINS_PICTURE) ||
		payload[DH_VP8_DESCRIPTOR_SIZE] & IS_NO_KEY_FRAME)
		return;
	if (record->has_key)
		payload[DH_VP8_DESCRIPTOR_SIZE] &= (uint8_t)~IS_SHOWN;
	record->has_key = true;
}

static int write_packet(struct record *record, enum dh_media media, const struct dh_record_message *message)
{
	const uint8_t *rtp = message->bytes + 1;
	size_t size = message->size - 1;
	int err = 0;

	if (record->webm)
		err = name_of(record, ".webm",
			dh_record_webm_packet(record->webm, media, message->received_us, rtp, size));
	if (!err && record->mjr[media].file)
		err = name_of(record, mjr_ending(media),
			dh_record_mjr_packet(&record->mjr[media], message->received_us, rtp, size));
	return err;
}

static int handle(struct record *record, struct dh_record_message *message)
{
	switch (message->bytes[0]) {
	case DH_RECORD_AUDIO:
		return write_packet(record, DH_AUDIO, message);
	case DH_RECORD_VIDEO:
		hide(record, message);
		return write_packet(record, DH_VIDEO, message);
	case DH_RECORD_LINE:
		return write_line(record, message->bytes + 1, message->size - 1);
	default:
		return 0;
	}
}

static int record_all(struct record *record)
{
	struct dh_record_message *message;
	int err = open_files(record);

	if (!err)
		err = dh_record_queue_alloc(&record->queue, STDIN_FILENO, QUEUE_BYTES);
	while (!err && (message = dh_record_queue_take(record->queue))) {
		err = handle(record, message);
		free(message);
	}
	if (!err) { /* otherwise there is more to come, which nobody waits for */
		record->dropped = dh_record_queue_dropped(record->queue);
		dh_record_queue_free(&record->queue);
	}
	return first(err, close_files(record));
}

static void tell(const struct record *record, int err)
{
	char text[DH_RECORD_TEXT_MAX];
	int length;

	if (err)
		length = snprintf(text, sizeof(text), "%s/%s: %s", record->folder_name, record->failed, strerror(-err));
	else
		length = snprintf(text, sizeof(text), "%s is too slow: %llu packets are missing", record->folder_name,
			(unsigned long long)record->dropped);
	(void)!send(STDIN_FILENO, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1,
		MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* --- options */

static const struct option long_options[] = {
	{ "folder", required_argument, NULL, 'f' },
	{ "name", required_argument, NULL, 'n' },
	{ "webm", no_argument, NULL, 'w' },
	{ "mjr", no_argument, NULL, 'm' },
	{ "title", required_argument, NULL, 't' },
	{ "comment", required_argument, NULL, 'c' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool take_option(struct record *record, int option)
{
	switch (option) {
	case 'f':
		record->folder_name = optarg;
		return true;
	case 'n':
		record->name = optarg;
		return strlen(optarg) < NAME_BYTES - 16 && !strchr(optarg, '/');
	case 'w':
		record->wants_webm = true;
		return true;
	case 'm':
		record->wants_mjr = true;
		return true;
	case 't':
		record->title = optarg;
		return true;
	case 'c':
		record->comment = optarg;
		return true;
	default:
		return false;
	}
}

/* systemd and shells send them to every process of a gateway that is to end. What ends this one is its socket's end. */
static void ignore_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		signal(numbers[i], SIG_IGN);
}

int main(int argc, char **argv)
{
	static struct record record = { .folder = -1 };
	int option, err;

	ignore_signals();
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
		if (option == 'h')
			return fputs(help, stdout) == EOF;
		if (!take_option(&record, option))
			return fputs(help, stderr), 2;
	}
	if (!record.folder_name || !record.name || optind < argc)
		return fputs(help, stderr), 2;
	av_log_set_level(AV_LOG_ERROR);
	err = record_all(&record);
	if (err || record.dropped)
		tell(&record, err);
	return err != 0;
}
