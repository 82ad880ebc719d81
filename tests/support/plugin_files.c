/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stddef.h>

#include "tests/support/plugin_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "playout/stream.h"
#include "playout/timebase.h"
#include "tests/support/vp8_fixture.h"

#define SIDE        16
#define ENTRY_EVERY 5 /* pictures */
#define UNIT_BYTES  60
#define UNIT_MAX    4096

const char *const plugin_files_prepared[] = { "short.dhs", "long.dhs", "mute.dhs", "cut.dhs", NULL };
const char *const plugin_files_scripted[] = { "good 5", "good 30", "slow 40", "crash 3", "fail 4", "leave 4", NULL };

/* --- prepared files */

static int append(void *arg, const void *bytes, size_t size)
{
	g_byte_array_append(arg, bytes, (guint)size);
	return 0;
}

static void write_unit(const struct dh_stream_writer *writer, enum dh_media media, int slot, int slots, int is_entry,
	size_t size)
{
	uint8_t bytes[UNIT_MAX];
	struct dh_unit *unit;

	memset(bytes, slot, size);
	if (media == DH_VIDEO)
		vp8_fixture_picture(bytes, 0);
	unit = dh_unit_new(media, slot * DH_SLOT_TICKS, slots * DH_SLOT_TICKS, bytes, size);
	unit->flags = is_entry ? DH_UNIT_ENTRY : 0;
	dh_stream_write_unit(writer, unit);
	dh_unit_unref(&unit);
}

/* Pictures at 25 a second, and two packets of sound for each, if there are any; each of `size` bytes. */
static GByteArray *prepared_of(int pictures, int has_audio, int is_idle, size_t size)
{
	static const uint8_t anchor[] = VP8_FIXTURE_ANCHOR(SIDE, SIDE);
	static const uint8_t picture[SIDE * SIDE * 3 / 2];
	GByteArray *bytes = g_byte_array_new();
	const struct dh_stream_writer writer = { append, bytes };
	struct dh_stream_head head = { .has_video = 1,
		.has_audio = has_audio,
		.width = SIDE,
		.height = SIDE,
		.rate_num = 25,
		.rate_den = 1,
		.encoder = "tests" };
	struct dh_stream_end end = { pictures * 2 * DH_SLOT_TICKS, has_audio * pictures * 2 * DH_SLOT_TICKS, false };

	dh_stream_write_head(&writer, &head);
	dh_stream_write_anchor(&writer, anchor, sizeof anchor);
	if (is_idle)
		dh_stream_write_picture(&writer, picture, sizeof picture);
	for (int i = 0; i < pictures; i++) {
		write_unit(&writer, DH_VIDEO, 2 * i, 2, i % ENTRY_EVERY == 0, size);
		for (int sound = 0; has_audio && sound < 2; sound++)
			write_unit(&writer, DH_AUDIO, 2 * i + sound, 1, 0, size);
	}
	dh_stream_write_end(&writer, &end);
	return bytes;
}

static GByteArray *prepared(int pictures, int has_audio, int is_idle)
{
	return prepared_of(pictures, has_audio, is_idle, UNIT_BYTES);
}

/* --- raw files */

#define FACE_SIDE     64
#define FACE_PICTURES 13    /* of 25 a second */
#define VOICE_SAMPLES 24000 /* of 48000 a second */

static GByteArray *raw_picture(void)
{
	static const char head[] = "YUV4MPEG2 W64 H64 F25:1 Ip A1:1 C420jpeg\n";
	GByteArray *bytes = g_byte_array_new();

	append(bytes, head, strlen(head));
	for (int i = 0; i < FACE_PICTURES; i++) {
		uint8_t picture[FACE_SIDE * FACE_SIDE * 3 / 2];
		for (size_t at = 0; at < sizeof picture; at++)
			picture[at] = (uint8_t)(at < FACE_SIDE * FACE_SIDE ? at % FACE_SIDE + (size_t)i : 128);
		append(bytes, "FRAME\n", 6);
		append(bytes, picture, sizeof picture);
	}
	return bytes;
}

static void append_le(GByteArray *bytes, uint32_t value, int size)
{
	uint8_t le[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24) };

	append(bytes, le, (size_t)size);
}

static GByteArray *raw_sound(void)
{
	GByteArray *bytes = g_byte_array_new();

	append(bytes, "RIFF", 4);
	append_le(bytes, 36 + 2 * VOICE_SAMPLES, 4);
	append(bytes, "WAVEfmt ", 8);
	append_le(bytes, 16, 4);
	append_le(bytes, 1, 2); /* PCM */
	append_le(bytes, 1, 2); /* channels */
	append_le(bytes, 48000, 4);
	append_le(bytes, 96000, 4);
	append_le(bytes, 2, 2);
	append_le(bytes, 16, 2);
	append(bytes, "data", 4);
	append_le(bytes, 2 * VOICE_SAMPLES, 4);
	for (uint32_t i = 0; i < VOICE_SAMPLES; i++)
		append_le(bytes, i % 200 * 50, 2);
	return bytes;
}

/* --- files */

int plugin_files_file(const struct plugin_files *files, const char *name, const void *bytes, size_t size)
{
	/* Old enough for its hash to be remembered. */
	const struct timespec old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	char path[200];
	int fd, is_written;

	snprintf(path, sizeof path, "%s/%s", files->folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	is_written = write(fd, bytes, size) == (ssize_t)size && futimens(fd, old) == 0;
	close(fd);
	return is_written ? 0 : -1;
}

/* Writes all but the last `cut` bytes. Takes ownership. */
static int write_bytes(const struct plugin_files *files, const char *name, GByteArray *bytes, size_t cut)
{
	int error = plugin_files_file(files, name, bytes->data, bytes->len - cut);

	g_byte_array_free(bytes, TRUE);
	return error;
}

int plugin_files_prepare(const struct plugin_files *files, const char *name, int pictures)
{
	return write_bytes(files, name, prepared(pictures, 1, 0), 0);
}

int plugin_files_prepare_mute(const struct plugin_files *files, const char *name, int pictures, size_t size)
{
	g_assert(size <= UNIT_MAX);
	return write_bytes(files, name, prepared_of(pictures, 0, 0, size), 0);
}

static int make_files(const struct plugin_files *files)
{
	char name[100];
	int error = write_bytes(files, "idle.dhs", prepared(50, 0, 1), 0);

	error |= write_bytes(files, "segments/short.dhs", prepared(5, 1, 0), 0);
	error |= write_bytes(files, "segments/long.dhs", prepared(50, 1, 0), 0);
	error |= write_bytes(files, "segments/mute.dhs", prepared(10, 0, 0), 0);
	error |= write_bytes(files, "segments/cut.dhs", prepared(20, 1, 0), 30);
	error |= write_bytes(files, "segments/" FILES_PICTURE, raw_picture(), 0);
	error |= write_bytes(files, "segments/" FILES_SOUND, raw_sound(), 0);
	for (const char *const *script = plugin_files_scripted; *script; script++) {
		snprintf(name, sizeof name, "segments/%s", *script);
		error |= plugin_files_file(files, name, *script, strlen(*script));
	}
	return error;
}

/* Where this program was built. */
static char *path_of(const char *name)
{
	char *program = g_file_read_link("/proc/self/exe", NULL);
	char *folder = g_path_get_dirname(program);
	char *path = g_build_filename(folder, "..", "..", name, NULL);

	g_free(folder);
	g_free(program);
	return path;
}

static int make_configuration(const struct plugin_files *t, const char *worker, const char *general)
{
	char *scope = path_of("dh-scope"), *opener = path_of("dh-open");
	char *text = g_strdup_printf("general: {\n"
				     "  admin_key = \"" FILES_ADMIN_KEY "\"\n"
				     "  segments_folder = \"%s/segments\"\n"
				     "  cache_folder = \"\"\n"
				     "  worker = \"%s\"\n"
				     "  worker_memory_mb = 0\n"
				     /* A busy machine looks like a hang. */
				     "  file_open_s = 100\n"
				     "  worker_silence_s = 100\n"
				     "  worker_wait_s = 100\n"
				     "  scope = \"%s\"\n"
				     "  opener = \"%s\"\n"
				     /* A sanitizer's real-time thread spins while an ordinary
				 * thread holds what it waits for. */
				     "  realtime = false\n"
				     "%s"
				     "}\n"
				     "avatar-" FILES_AVATAR ": { width = 16; height = 16; idle = \"%s/idle.dhs\" }\n"
				     "avatar-face: { width = 64; height = 64; idle = \"%s/segments/" FILES_PICTURE
				     "\" }\n"
				     "avatar-lost: { width = 16; height = 16; idle = \"%s/nothing\" }\n"
				     "generator-" FILES_GENERATOR
				     ": { command = (\"%s/echo\", \"good 5\"); voices = (\"en\", \"de\") }\n"
				     "room-open: { id = 1; avatar = \"" FILES_AVATAR
				     "\"; generator = \"" FILES_GENERATOR "\" }\n"
				     "room-closed: { id = 2; avatar = \"" FILES_AVATAR "\"; secret = \"" FILES_SECRET
				     "\" }\n"
				     "room-private: { id = 3; avatar = \"" FILES_AVATAR "\"; secret = \"" FILES_SECRET
				     "\""
				     " pin = \"" FILES_PIN "\"; is_private = true; duration = \"longest\" }\n"
				     "room-face: { id = 9; avatar = \"face\" }\n",
		t->folder, worker ? worker : "/nonexistent/dh-prepare", scope, opener, general ? general : "",
		t->folder, t->folder, t->folder, worker ? "/bin" : "/nonexistent");
	int error = plugin_files_file(t, "janus.plugin.digitalhuman.jcfg", text, strlen(text));

	g_free(text);
	g_free(opener);
	g_free(scope);
	return error;
}

int plugin_files_make(struct plugin_files *files, const char *worker, const char *general)
{
	char path[100];
	int err = temp_folder_make(files->folder);

	if (err) {
		errno = -err;
		return -1;
	}
	snprintf(path, sizeof path, "%s/segments", files->folder);
	if (mkdir(path, 0700) < 0 || make_files(files) < 0)
		return -1;
	return make_configuration(files, worker, general);
}

void plugin_files_clear(struct plugin_files *files)
{
	remove_folder(files->folder);
}
