/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cue.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "playout/stream.h"

/* --- cleaning */

/* Bytes of a character that a stream may hold; 0: it may not. */
static size_t character(const char *p)
{
	unsigned char first = (unsigned char)*p;
	size_t size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	return strnlen(p, size) == size && dh_stream_text_is_valid(p, size) ? size : 0;
}

/* `{\…}`; notes whether it begins or ends a drawing. Returns where it ends, or NULL. */
static const char *override_end(const char *p, bool *is_drawing)
{
	const char *end = *p == '{' ? strchr(p, '}') : NULL;

	for (; end && p < end; p++)
		if (p[0] == '\\' && p[1] == 'p' && isdigit((unsigned char)p[2]))
			*is_drawing = p[2] != '0';
	return end ? end + 1 : NULL;
}

/* `<b>`, `</font>`, `<v Anna>`; not "1 < 2". */
static const char *tag_end(const char *p)
{
	if (*p != '<' || !(isalpha((unsigned char)p[1]) || p[1] == '/'))
		return NULL;
	const char *end = strchr(p, '>');
	return end ? end + 1 : NULL;
}

/* A word joiner: FFmpeg puts it behind a backslash that is none of ASS's. */
static const char joiner[] = "\xe2\x81\xa0";

/* Takes a backslash and what belongs to it. Returns how many bytes; writes at most one. */
static size_t escape(const char *p, char **out)
{
	if (p[1] == 'N' || p[1] == 'n' || p[1] == 'h')
		*(*out)++ = ' ';
	else if (p[1] == '{' || p[1] == '}' || p[1] == '\\')
		*(*out)++ = p[1];
	else {
		*(*out)++ = '\\';
		return 1;
	}
	return 2;
}

void dh_cue_clean(char *text)
{
	bool is_drawing = false;
	const char *p = text, *end;
	char *out = text;

	while (*p) {
		size_t size = character(p);
		if ((end = override_end(p, &is_drawing)) || (end = tag_end(p))) {
			p = end;
		} else if (is_drawing) {
			p++;
		} else if (!strncmp(p, joiner, sizeof joiner - 1)) {
			p += sizeof joiner - 1;
		} else if (*p == '\\') {
			p += escape(p, &out);
		} else if (size == 0) {
			*out++ = ' ';
			p++;
		} else {
			memmove(out, p, size);
			out += size;
			p += size;
		}
	}
	*out = '\0';
}

/* --- words */

static uint32_t code_of(const char *p, size_t size)
{
	uint32_t code = size == 1 ? (unsigned char)*p : (unsigned char)*p & (0xffu >> (size + 1));

	for (size_t i = 1; i < size; i++)
		code = code << 6 | ((unsigned char)p[i] & 0x3f);
	return code;
}

/* Chinese and Japanese are written without spaces. */
static bool is_ideograph(uint32_t code)
{
	return (code >= 0x2e80 && code <= 0x2fff) || (code >= 0x3040 && code <= 0x9fff) ||
		(code >= 0xf900 && code <= 0xfaff) || (code >= 0x20000 && code <= 0x3ffff);
}

static bool is_wide_punctuation(uint32_t code)
{
	return (code >= 0x3001 && code <= 0x303f) || (code >= 0xff01 && code <= 0xff0f) ||
		(code >= 0xff1a && code <= 0xff20) || (code >= 0x2010 && code <= 0x2027);
}

/* ASCII's, no-break and ideographic spaces. */
static bool is_space(uint32_t code)
{
	return code == ' ' || code == 0xa0 || code == 0x3000 || (code >= 0x2000 && code <= 0x200b);
}

/* Sets *size to 0 at the end. */
static uint32_t look(const char *p, size_t *size)
{
	*size = *p ? character(p) : 0;
	return *size ? code_of(p, *size) : 0;
}

bool dh_cue_next(const char **at, struct dh_cue_word *word)
{
	size_t size;
	uint32_t code;
	bool has_ideograph = false;

	*word = (struct dh_cue_word){ 0 };
	while (is_space(code = look(*at, &size)) && size) {
		*at += size;
		word->is_apart = true;
	}
	word->text = *at;
	for (; size && !is_space(code); code = look(*at, &size)) {
		bool is_new = is_ideograph(code) || has_ideograph;
		if (word->characters && is_new && !is_wide_punctuation(code))
			break;
		has_ideograph = has_ideograph || is_ideograph(code);
		*at += size;
		word->characters++;
	}
	word->size = (size_t)(*at - word->text);
	return word->size > 0;
}

int dh_cue_length(const char *text)
{
	struct dh_cue_word word;
	int length = 0;

	while (dh_cue_next(&text, &word))
		length += word.characters + (word.is_apart && length > 0);
	return length;
}
