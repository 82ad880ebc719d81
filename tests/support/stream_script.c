/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/stream_script.h"

#include "playout/mark.h"
#include "tests/support/check.h"

void script_put(uint8_t *out, uint64_t value, int size)
{
	for (int i = 0; i < size; i++)
		out[i] = (uint8_t)(value >> 8 * i);
}

void script_put_head(struct bytes *out, unsigned version, unsigned flags)
{
	uint8_t body[20] = { (uint8_t)version, 0 };
	unsigned side = flags & 1 ? FIXTURE_SIDE : 0;
	script_put(body + 2, flags, 2);
	script_put(body + 4, side, 2);
	script_put(body + 6, side, 2);
	script_put(body + 12, 1, 4);
	fixture_record(out, "DHS1", body, sizeof body);
}

static void put_head_of_two(struct bytes *out, unsigned flags)
{
	uint8_t body[20 + 8 + 8] = { 5, 0 };
	script_put(body + 2, flags, 2);
	script_put(body + 4, FIXTURE_SIDE, 2);
	script_put(body + 6, FIXTURE_SIDE, 2);
	script_put(body + 12, 1, 4);
	script_put(body + 28, 800, 4);
	script_put(body + 32, 200, 4);
	fixture_record(out, "DHS1", body, sizeof body);
}

static void put_video(struct bytes *out, long long pts_ticks, long long duration_ticks, unsigned flags)
{
	uint8_t body[16 + DH_LUMA_BYTES + VP8_FIXTURE_HEADER] = { 0 };
	script_put(body, (uint64_t)pts_ticks, 8);
	script_put(body + 8, (uint64_t)duration_ticks, 4);
	script_put(body + 12, flags, 4);
	vp8_fixture_picture(body + 16 + DH_LUMA_BYTES, flags);
	fixture_record(out, "VIDE", body, sizeof body);
}

static void put_lower(struct bytes *out)
{
	uint8_t body[VP8_FIXTURE_HEADER];
	vp8_fixture_picture(body, 0);
	fixture_record(out, "LOWR", body, sizeof body);
}

void script_put_audio(struct bytes *out, long long pts_ticks)
{
	uint8_t body[8 + 3] = { 0 };
	script_put(body, (uint64_t)pts_ticks, 8);
	fixture_record(out, "AUDI", body, sizeof body);
}

void script_put_word(struct bytes *out, long long from_ticks, long long length_ticks)
{
	uint8_t body[16 + 1];
	script_put(body, (uint64_t)from_ticks, 8);
	script_put(body + 8, (uint64_t)(from_ticks + length_ticks), 8);
	body[16] = 'w';
	fixture_record(out, "WORD", body, sizeof body);
}

static void put_line(struct bytes *out, const char *line)
{
	bytes_write(out, line, strlen(line));
	bytes_write(out, "\n", 1);
}

static void put_end(struct bytes *out, long long video_ticks, long long audio_ticks, unsigned flags, size_t size)
{
	uint8_t body[20];
	script_put(body, (uint64_t)video_ticks, 8);
	script_put(body + 8, (uint64_t)audio_ticks, 8);
	script_put(body + 16, flags, 4);
	fixture_record(out, "ENDS", body, size);
}

static void put_lead(struct bytes *out, long long lead_ticks, long long packets, size_t size)
{
	uint8_t body[12 + 3] = { 0 };
	script_put(body, (uint64_t)lead_ticks, 8);
	script_put(body + 8, (uint64_t)packets, 4);
	fixture_record(out, "LEAD", body, 12 + size);
}

static void put_mark(struct bytes *out, unsigned corner)
{
	uint8_t body[1 + 1344] = { (uint8_t)corner };
	CHECK_INT(dh_mark_size(FIXTURE_SIDE, FIXTURE_SIDE), sizeof body - 1);
	fixture_record(out, "MARK", body, sizeof body);
}

static void put_word(struct bytes *out, const char *word)
{
	static const uint8_t zeros[FIXTURE_PICTURE];
	long long a = 0, b = 0;
	unsigned flags = 0;
	if (sscanf(word, "H%u", &flags) == 1)
		script_put_head(out, 3, flags);
	else if (sscanf(word, "G%u", &flags) == 1)
		script_put_head(out, 2, flags);
	else if (sscanf(word, "I%u", &flags) == 1)
		script_put_head(out, 4, flags);
	else if (sscanf(word, "J%u", &flags) == 1)
		put_head_of_two(out, flags);
	else if (strcmp(word, "Q") == 0)
		put_lower(out);
	else if (strcmp(word, "D") == 0)
		fixture_record(out, "FADE", "fad", 3);
	else if (sscanf(word, "W%lld+%lld", &a, &b) == 2)
		script_put_word(out, a, b);
	else if (*word == '{')
		put_line(out, word);
	else if (sscanf(word, "L%lld,%lld+%u", &a, &b, &flags) == 3)
		put_lead(out, a, b, flags);
	else if (sscanf(word, "h%u", &flags) == 1)
		script_put_head(out, 1, flags);
	else if (sscanf(word, "V%lld+%lld:%u", &a, &b, &flags) == 3)
		put_video(out, a, b, flags);
	else if (sscanf(word, "A%lld", &a) == 1)
		script_put_audio(out, a);
	else if (sscanf(word, "E%lld,%lld:%u", &a, &b, &flags) >= 2)
		put_end(out, a, b, flags, 20);
	else if (sscanf(word, "e%lld,%lld", &a, &b) == 2)
		put_end(out, a, b, 0, 16);
	else if (strcmp(word, "K") == 0)
		fixture_record(out, "ANCH", fixture_anchor, sizeof fixture_anchor);
	else if (strcmp(word, "P") == 0)
		fixture_record(out, "PICT", zeros, sizeof zeros);
	else if (sscanf(word, "M%u", &flags) == 1)
		put_mark(out, flags);
	else if (strcmp(word, "N") == 0)
		fixture_record(out, "NOTE", "n", 1);
	else if (strcmp(word, "F") == 0)
		fixture_record(out, "FAIL", "\3\0\0\0no", 6);
	else if (strcmp(word, "X") == 0)
		fixture_record(out, "XXXX", "", 0);
	else
		CHECK(0, "no such word: %s", word);
}

void script_write(struct bytes *out, const char *script)
{
	char words[300], *rest = words, *word;
	snprintf(words, sizeof words, "%s", script);
	while ((word = strtok_r(rest, " ", &rest)))
		put_word(out, word);
}
