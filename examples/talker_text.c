/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_text.h"

#include "talker_options.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define SPACES " \t\r\n"

/* A full stop at the end of what is there may be one of "3.14". It ends a sentence if nothing
 * follows for so long. */
#define PAUSE_MS 100

/* --- what is there */

void dh_text_read_from(struct dh_text *text, int fd)
{
	memset(text, 0, sizeof(*text));
	text->fd = fd;
}

static int too_long(void)
{
	return dh_complain(DH_EXIT_TEXT, "the text is longer than %d bytes", DH_TEXT_MAX);
}

int dh_text_set(struct dh_text *text, int count, char **words)
{
	dh_text_read_from(text, -1);
	for (int i = 0; i < count; i++) {
		size_t more = strlen(words[i]);
		if (text->length + (i > 0) + more > DH_TEXT_MAX)
			return too_long();
		if (i)
			text->bytes[text->length++] = ' ';
		memcpy(text->bytes + text->length, words[i], more);
		text->length += more;
	}
	return 0;
}

/* Whether more came, or the end, within `ms` (negative: whenever). */
static bool comes(const struct dh_text *text, int ms)
{
	struct pollfd ready = { .fd = text->fd, .events = POLLIN };

	return poll(&ready, 1, ms) != 0;
}

static int read_some(struct dh_text *text)
{
	ssize_t n;

	if (text->length > DH_TEXT_MAX)
		return too_long();
	n = read(text->fd, text->bytes + text->length, DH_TEXT_MAX + 1 - text->length);
	if (n < 0 && errno == EINTR)
		return 0;
	if (n < 0)
		return dh_complain(DH_EXIT_TEXT, "cannot read the text: %s", strerror(errno));
	if (n == 0)
		text->fd = -1;
	text->length += (size_t)n;
	return text->length > DH_TEXT_MAX ? too_long() : 0;
}

/* --- sentences */

/* Behind a sentence's last character: the length of "." and the like at `at`, with the quotes
 * that close it; 0: no sentence ends there. */
static size_t full_stop(const char *at, size_t size)
{
	static const char *const stops[] = { ".", "!", "?", ":", ";", "…", "。", "！", "？", "।" };
	static const char *const closing[] = { "\"", "'", ")", "”", "’", "»", "“" };
	size_t length = 0;

	for (size_t i = 0; i < sizeof(stops) / sizeof(stops[0]) && !length; i++)
		if (size >= strlen(stops[i]) && !memcmp(at, stops[i], strlen(stops[i])))
			length = strlen(stops[i]);
	for (size_t i = 0; length && i < sizeof(closing) / sizeof(closing[0]); i++)
		if (size - length >= strlen(closing[i]) && !memcmp(at + length, closing[i], strlen(closing[i])))
			length += strlen(closing[i]);
	return length;
}

static bool is_space(char byte)
{
	return byte && strchr(SPACES, byte) != NULL;
}

/* Where the last sentence that is whole ends. `is_pause`: nothing has followed the last byte for
 * a while. */
static size_t whole_sentences(const struct dh_text *text, bool is_pause)
{
	size_t end = text->taken, length;

	for (size_t i = text->taken; i < text->length; i++) {
		length = full_stop(text->bytes + i, text->length - i);
		if (text->bytes[i] == '\n')
			end = i + 1;
		else if (length && i + length < text->length && is_space(text->bytes[i + length]))
			end = i + length;
		else if (length && i + length == text->length && is_pause)
			end = text->length;
	}
	return end;
}

static bool has_words(const struct dh_text *text, size_t end)
{
	for (size_t i = text->taken; i < end; i++)
		if (!is_space(text->bytes[i]))
			return true;
	return false;
}

bool dh_text_is_ready(struct dh_text *text)
{
	return text->fd < 0 || comes(text, 0) || has_words(text, whole_sentences(text, false));
}

/* Reads until there are whole sentences, and nothing more at the moment, or until the end.
 * Sets *end. */
static int await(struct dh_text *text, size_t *end)
{
	bool is_pause = false;
	int code = 0;

	while (!code) {
		*end = text->fd < 0 ? text->length : whole_sentences(text, is_pause);
		if (text->fd < 0 || (has_words(text, *end) && !comes(text, 0)))
			return 0;
		is_pause = !comes(text, has_words(text, whole_sentences(text, true)) ? PAUSE_MS : -1);
		if (!is_pause)
			code = read_some(text);
	}
	return code;
}

/* --- checks */

/* Length of the UTF-8 character at `text`, 0 when it is not one. */
static size_t utf8_length(const unsigned char *text)
{
	size_t length = *text < 0x80 ? 1 :
		*text < 0xc2         ? 0 :
		*text < 0xe0         ? 2 :
		*text < 0xf0         ? 3 :
		*text < 0xf5         ? 4 :
				       0;

	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static int check(const char *piece, size_t length)
{
	const unsigned char *at = (const unsigned char *)piece;

	if (strlen(piece) != length)
		return dh_complain(DH_EXIT_TEXT, "the text contains a zero byte");
	while (*at) {
		size_t step = utf8_length(at);
		if (!step)
			return dh_complain(DH_EXIT_TEXT, "the text is not UTF-8");
		at += step;
	}
	return 0;
}

int dh_text_next(struct dh_text *text, const char **piece)
{
	size_t begin = text->taken, end;
	int code;

	*piece = NULL;
	text->bytes[begin] = text->after ? text->after : text->bytes[begin];
	text->after = 0;
	code = await(text, &end);
	if (code)
		return code;
	if (!has_words(text, end)) /* only at the end */
		return begin == 0 ? dh_complain(DH_EXIT_TEXT, "the text is empty") : 0;
	if (end < text->length)
		text->after = text->bytes[end];
	text->bytes[end] = 0;
	text->taken = end;
	code = check(text->bytes + begin, end - begin);
	if (!code)
		*piece = text->bytes + begin;
	return code;
}
