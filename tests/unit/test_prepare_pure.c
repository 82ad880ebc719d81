/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pure parts of dh-prepare: order of units, sizes of still pictures, placement of
 * pictures, jobs. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "playout/timebase.h"
#include "prepare/accept.h"
#include "prepare/unit_order.h"
#include "prepare/picture.h"
#include "prepare/raw.h"
#include "prepare/stack.h"
#include "prepare/still.h"
#include "prepare/task_fields.h"
#include "prepare/task_job.h"

/* --- order */

static void push(struct dh_unit_order *order, enum dh_media media, int64_t pts_ticks)
{
	struct dh_unit *unit = dh_unit_new(media, pts_ticks, 1, "x", 1);
	CHECK(unit);
	CHECK_INT(dh_unit_order_push(order, unit), 0);
}

static int64_t next(struct dh_unit_order *order)
{
	struct dh_unit *unit = dh_unit_order_next(order);
	int64_t pts_ticks = unit ? unit->pts_ticks * 2 + (int)unit->media : -1;
	dh_unit_unref(&unit);
	return pts_ticks;
}

#define A(pts) (2 * (pts) + DH_AUDIO)
#define V(pts) (2 * (pts) + DH_VIDEO)

static void test_order_waits(void)
{
	struct dh_unit_order order = { 0 };
	push(&order, DH_VIDEO, 0);
	CHECK_INT(next(&order), V(0)); /* nothing comes before 0 */
	push(&order, DH_VIDEO, 40);
	CHECK_INT(next(&order), -1); /* sound before 40 may still come */
	push(&order, DH_AUDIO, 0);
	push(&order, DH_AUDIO, 20);
	CHECK_INT(next(&order), A(0));
	CHECK_INT(next(&order), A(20));
	CHECK_INT(next(&order), -1);
	dh_unit_order_horizon(&order, DH_AUDIO, 40);
	CHECK_INT(next(&order), V(40));
	dh_unit_order_horizon(&order, DH_AUDIO, 30); /* time does not go back */
	push(&order, DH_VIDEO, 80);
	CHECK_INT(next(&order), -1);
	dh_unit_order_horizon(&order, DH_AUDIO, DH_UNIT_ORDER_NEVER);
	CHECK_INT(next(&order), V(80));
	CHECK_INT(next(&order), -1);
	dh_unit_order_clear(&order);
}

/* For any interleaving, the output is in order, and nothing is lost or left. */
static void test_order_rises(void)
{
	struct dh_unit_order order = { 0 };
	int64_t pts[2] = { 0, 0 }, last = 0, taken = 0;
	uint32_t random = 7;
	for (int n = 0; n < 5000; n++) {
		random = random * 1664525 + 1013904223;
		/* bursts of one medium, then of the other */
		int media = (random >> 30) == 0 ? n & 1 : (n / 64) & 1;
		push(&order, media, pts[media]);
		pts[media] += 1 + (random >> 28);
		for (int64_t p; (p = next(&order)) >= 0; last = p / 2, taken++)
			CHECK(p / 2 >= last);
	}
	dh_unit_order_horizon(&order, DH_AUDIO, DH_UNIT_ORDER_NEVER);
	dh_unit_order_horizon(&order, DH_VIDEO, DH_UNIT_ORDER_NEVER);
	for (int64_t p; (p = next(&order)) >= 0; last = p / 2, taken++)
		CHECK(p / 2 >= last);
	CHECK_INT(taken, 5000);
	push(&order, DH_VIDEO, INT32_MAX); /* frees what is left */
	dh_unit_order_clear(&order);
}

/* --- stills */

static const struct still {
	const char *name;
	const char *bytes;
	size_t size;
	int err;
	uint32_t width, height;
} stills[] = {
	{ "png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x4e\x20\0\0\0\x10", 24, 0, 20000, 16 },
	{ "png cut", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x4e\x20\0\0\0", 23, -EBADMSG, 0, 0 },
	{ "jpeg", "\xff\xd8\xff\xe0\0\x04xx\xff\xc0\0\x11\x08\x12\x34\x00\x20", 17, 0, 0x20, 0x1234 },
	{ "jpeg progressive", "\xff\xd8\xff\xff\xff\xc2\0\x11\x08\0\x40\0\x80", 13, 0, 0x80, 0x40 },
	{ "jpeg tables", "\xff\xd8\xff\xc4\0\x03x\xff\xc0\0\x11\x08\0\x40\0\x80", 16, 0, 0x80, 0x40 },
	{ "jpeg cut", "\xff\xd8\xff\xe0\xff\xff", 6, -EBADMSG, 0, 0 },
	{ "jpeg of zeros", "\xff\xd8\xff\xe0\0\0\0\0\0\0\0\0", 12, -EBADMSG, 0, 0 },
	{ "gif", "GIF89a\x20\0\x10\0\0\0\0", 13, 0, 0x20, 0x10 },
	{ "bmp", "BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x20\0\0\0\xf0\xff\xff\xff\1\0\x18\0\0\0\0\0\0\0\0\0", 38, 0,
		0x20, 0x10 },
	{ "old bmp", "BM\0\0\0\0\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x20\0\x10\0\1\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0", 38, 0,
		0x20, 0x10 },
	{ "webp", "RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x1f\0\0\x0f\0\0", 30, 0, 0x20, 0x10 },
	{ "tiff", "II*\0\x08\0\0\0\2\0\0\1\3\0\1\0\0\0\x20\0\0\0\1\1\3\0\1\0\0\0\x10\0\0\0\0\0\0\0", 38, 0, 0x20,
		0x10 },
	{ "tiff of the other end", "MM\0*\0\0\0\x08\0\2\1\0\0\3\0\0\0\1\0\x20\0\0\1\1\0\4\0\0\0\1\0\0\0\x10\0\0\0\0",
		38, 0, 0x20, 0x10 },
	{ "tiff whose directory is elsewhere", "II*\0\xff\xff\xff\xff", 8, -EBADMSG, 0, 0 },
	{ "neither", "RIFF0000", 8, -EBADMSG, 0, 0 },
};

static void test_stills(const void *arg)
{
	const struct still *row = arg;
	uint32_t width = 0, height = 0;
	uint8_t *copy = malloc(row->size);
	memcpy(copy, row->bytes, row->size);
	CHECK_INT(dh_still_size(copy, row->size, &width, &height), row->err);
	CHECK_INT(width, row->width);
	CHECK_INT(height, row->height);
	free(copy);
}

/* Any bytes are safe, wherever they end. */
static void test_random_stills(void)
{
	uint32_t seed = 1, width, height;
	for (size_t i = 0; i < 4000; i++) {
		const struct still *row = &stills[i % (sizeof stills / sizeof *stills)];
		size_t size = row->size + i % 97;
		uint8_t *copy = malloc(size);
		for (size_t k = 0; k < size; k++) {
			seed = seed * 1664525 + 1013904223;
			bool is_kept = k < row->size && (k < 8 || seed >> 29 != 0);
			copy[k] = is_kept ? (uint8_t)row->bytes[k] : (uint8_t)(seed >> 16);
		}
		dh_still_size(copy, size, &width, &height);
		dh_still_is_cut(copy, size);
		int orientation = dh_still_orientation(copy, size);
		CHECK(orientation >= 1 && orientation <= 8);
		free(copy);
	}
}

/* --- pictures */

static const struct fit {
	const char *name;
	int w, h, num, den, transpose, canvas_w, canvas_h;
	struct dh_rect rect;
} fits[] = {
	{ "same", 512, 512, 1, 1, 0, 512, 512, { 0, 0, 512, 512 } },
	{ "wide", 1920, 1080, 1, 1, 0, 512, 512, { 0, 112, 512, 288 } },
	{ "tall", 1080, 1920, 0, 1, 0, 512, 512, { 112, 0, 288, 512 } },
	{ "turned", 1920, 1080, 1, 1, 1, 512, 512, { 112, 0, 288, 512 } },
	{ "wide pixels", 100, 100, 2, 1, 0, 200, 200, { 0, 50, 200, 100 } },
	{ "nonsense pixels", 100, 100, 1000, 1, 0, 200, 200, { 0, 0, 200, 200 } },
	{ "line", 4096, 1, 1, 1, 0, 16, 16, { 0, 6, 16, 2 } },
	{ "odd", 333, 333, 1, 1, 0, 540, 960, { 0, 210, 540, 540 } },
};

static void test_fit(const void *arg)
{
	const struct fit *row = arg;
	struct dh_turn turn = { row->transpose, 0, 0 };
	struct dh_rect rect = dh_picture_fit(row->w, row->h, row->num, row->den, &turn, row->canvas_w, row->canvas_h);
	CHECK_INT(rect.x, row->rect.x);
	CHECK_INT(rect.y, row->rect.y);
	CHECK_INT(rect.width, row->rect.width);
	CHECK_INT(rect.height, row->rect.height);
}

#define ONE 65536
static const struct turn {
	const char *name;
	int32_t matrix[9];
	struct dh_turn turn;
} turns[] = {
	{ "not at all", { ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30 }, { 0, 0, 0 } },
	{ "90 degrees", { 0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30 }, { 1, 1, 0 } },
	{ "180 degrees", { -ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30 }, { 0, 1, 1 } },
	{ "270 degrees", { 0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30 }, { 1, 0, 1 } },
	{ "mirrored", { -ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30 }, { 0, 1, 0 } },
	{ "extreme", { INT32_MIN, INT32_MAX, 0, 0, INT32_MIN, 0, 0, 0, 0 }, { 0, 1, 1 } },
};

static void test_turns(const void *arg)
{
	const struct turn *row = arg;
	struct dh_turn turn = dh_turn_from_matrix(row->matrix);
	CHECK_INT(turn.transpose, row->turn.transpose);
	CHECK_INT(turn.flip_x, row->turn.flip_x);
	CHECK_INT(turn.flip_y, row->turn.flip_y);
}

static void test_luma(void)
{
	uint8_t i420[18 * 34 * 3 / 2], luma[DH_LUMA_BYTES];
	for (int i = 0; i < 18 * 34; i++)
		i420[i] = (uint8_t)(i / 18 * 7);
	dh_stack_thumbnail(i420, 18, 34, false, luma);
	CHECK_INT(luma[0], (0 + 7 + 1) / 2); /* rows 0 and 1 */
	CHECK_INT(luma[15], luma[0]);
	CHECK_INT(luma[15 * 16], (31 + 32 + 33) * 7 / 3);
}

/* --- tasks */

static const struct job {
	const char *name;
	const char *json;
	int fds_count, err;
	const char *text; /* part of the fault's text */
} jobs[] = {
	{ "good", "{\"kind\":\"segment\",\"names\":[\"a\"],\"width\":512,\"height\":512}", 1, 0, "" },
	{ "two inputs",
		"{\"kind\":\"segment\",\"names\":[\"a\",\"b\"],\"width\":16,\"height\":2304,\"kbps\":50,"
		"\"audio_kbps\":256,\"entry_ms\":40,\"fps_max\":1,\"pingpong\":true,\"max_ms\":1000}",
		2, 0, "" },
	{ "the longest", "{\"kind\":\"segment\",\"names\":[\"a\"],\"width\":16,\"height\":16,\"max_ms\":86400000}", 1,
		0, "" },
	{ "longer", "{\"kind\":\"segment\",\"names\":[\"a\"],\"width\":16,\"height\":16,\"max_ms\":86400001}", 1,
		DH_PREPARE_USAGE, "max_ms is 86400001, expected 1 to 86400000" },
	{ "no size", "{\"kind\":\"idle\",\"names\":[\"a\"],\"width\":512}", 1, DH_PREPARE_USAGE, "height" },
	{ "odd size", "{\"kind\":\"idle\",\"names\":[\"a\"],\"width\":511,\"height\":512}", 1, DH_PREPARE_USAGE,
		"even" },
	{ "huge", "{\"kind\":\"idle\",\"names\":[\"a\"],\"width\":99999999999,\"height\":512}", 1, DH_PREPARE_USAGE,
		"width" },
	{ "real", "{\"kind\":\"idle\",\"names\":[\"a\"],\"width\":512.0,\"height\":512}", 1, DH_PREPARE_USAGE,
		"width" },
	{ "twice", "{\"kind\":\"idle\",\"kind\":\"idle\",\"names\":[\"a\"]}", 1, DH_PREPARE_USAGE, "JSON" },
	{ "names", "{\"kind\":\"portrait\",\"names\":[\"a\",\"b\"],\"width\":16,\"height\":16}", 2, DH_PREPARE_USAGE,
		"names" },
	{ "too few", "{\"kind\":\"segment\",\"names\":[\"a\",\"b\"],\"width\":16,\"height\":16}", 1, DH_PREPARE_USAGE,
		"1 descriptors" },
	{ "no anchor", "{\"kind\":\"segment\",\"names\":[\"a\"],\"anchor\":true,\"width\":16,\"height\":16}", 1,
		DH_PREPARE_USAGE, "expected 2" },
	{ "text", "hello", 0, DH_PREPARE_USAGE, "JSON" },
	{ "nothing", "", 0, DH_PREPARE_USAGE, "JSON" },
};

static void test_jobs(const void *arg)
{
	const struct job *row = arg;
	struct dh_task task;
	struct dh_fault fault = { 0 };
	int fds[3] = { -1, -1, -1 };
	CHECK_INT(dh_task_from_job(&task, row->json, strlen(row->json), fds, row->fds_count, &fault), row->err);
	CHECK_INT(fault.code, row->err);
	CHECK(strstr(fault.text, row->text), "%s", fault.text);
	dh_task_clear(&task);
}

/* A long name is cut between characters. */
static void test_long_name(void)
{
	char json[2000];
	struct dh_task task;
	struct dh_fault fault = { 0 };
	int fd = -1,
	    used = snprintf(json, sizeof json, "{\"kind\":\"segment\",\"width\":16,\"height\":16,\"names\":[\"x");
	for (int i = 0; i < 200; i++)
		used += snprintf(json + used, sizeof json - (size_t)used, "\xc3\xa4");
	snprintf(json + used, sizeof json - (size_t)used, "\"]}");
	CHECK_INT(dh_task_from_job(&task, json, strlen(json), &fd, 1, &fault), 0);
	size_t length = strlen(task.inputs[0].name);
	CHECK_INT(length, DH_TASK_NAME - 1);
	CHECK_INT(task.inputs[0].name[length - 1] & 0xff, 0xa4);
	dh_task_clear(&task);
}

static const struct rawspec {
	const char *name;
	const char *text;
	int is_video, err;
	int a, b, c; /* rate num, den, height; or rate, channels */
} raws[] = {
	{ "33 a second", "bgr24:512x480@33", 1, 0, 33, 1, 480 },
	{ "fraction", "rgb24:8x8@30000/1001", 1, 0, 30000, 1001, 8 },
	{ "decimal", "gray:8x8@29.97", 1, 0, 2997, 100, 8 },
	{ "no rate", "gray:8x8", 1, DH_PREPARE_USAGE, 0, 0, 0 },
	{ "rate 0", "gray:8x8@0", 1, DH_PREPARE_USAGE, 0, 0, 0 },
	{ "tail", "gray:8x8@25fps", 1, DH_PREPARE_USAGE, 0, 0, 0 },
	{ "hardware", "vaapi:8x8@25", 1, DH_PREPARE_USAGE, 0, 0, 0 },
	{ "large", "gray:99999x8@25", 1, DH_PREPARE_USAGE, 0, 0, 0 },
	{ "f32le", "f32le:24000:1", 0, 0, 24000, 1, 0 },
	{ "no channels", "f32le:24000:0", 0, DH_PREPARE_USAGE, 0, 0, 0 },
	{ "other format", "mp3:24000:1", 0, DH_PREPARE_USAGE, 0, 0, 0 },
};

static void test_raw(const void *arg)
{
	const struct rawspec *row = arg;
	struct dh_raw raw;
	struct dh_fault fault = { 0 };
	int err = row->is_video ? dh_raw_parse_video(&raw, row->text, &fault) :
				  dh_raw_parse_audio(&raw, row->text, &fault);
	CHECK_INT(err, row->err);
	if (err)
		return;
	CHECK_INT(row->is_video ? raw.rate_num : raw.sample_rate, row->a);
	CHECK_INT(row->is_video ? raw.rate_den : raw.channels, row->b);
	CHECK_INT(raw.height, row->c);
}

/* Those that are bitmaps say nothing. */
static void test_subtitles(void)
{
	static const enum AVCodecID bitmaps[] = { AV_CODEC_ID_DVD_SUBTITLE, AV_CODEC_ID_DVB_SUBTITLE,
		AV_CODEC_ID_HDMV_PGS_SUBTITLE, AV_CODEC_ID_XSUB, AV_CODEC_ID_DVB_TELETEXT };

	for (size_t i = 0; i < sizeof bitmaps / sizeof *bitmaps; i++)
		CHECK(!dh_accept_captions(bitmaps[i]), "%s", avcodec_get_name(bitmaps[i]));
	CHECK(dh_accept_captions(AV_CODEC_ID_SUBRIP));
}

static const struct check_test tests[] = {
	TEST(test_order_waits),
	TEST(test_order_rises),
	TABLE(test_stills, stills),
	TEST(test_random_stills),
	TABLE(test_fit, fits),
	TABLE(test_turns, turns),
	TEST(test_luma),
	TEST(test_subtitles),
	TABLE(test_jobs, jobs),
	TEST(test_long_name),
	TABLE(test_raw, raws),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
