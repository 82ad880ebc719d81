/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch_headers.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct header {
	const char *variable, *name;
	bool is_json; /* in ASCII, with no line breaks: it needs no further encoding */
} headers[] = {
	{ "DH_ROOM", "X-Dh-Room", false },
	{ "DH_SEGMENT", "X-Dh-Segment", false },
	{ "DH_VOICE", "X-Dh-Voice", false },
	{ "DH_METADATA", "X-Dh-Metadata", true },
	{ "DH_CLIP", "X-Dh-Clip", false },
	{ "DH_POSITION_MS", "X-Dh-Position-Ms", false },
	{ "DH_THUMBNAIL", "X-Dh-Thumbnail", false },
};

static bool is_plain(const char *text, const char *at)
{
	bool is_end = at == text || !at[1];

	return *at > ' ' ? *at < 0x7f && *at != '%' : *at == ' ' && !is_end;
}

char *dh_fetch_header_value(const char *text)
{
	char *value = malloc(3 * strlen(text) + 1), *to = value;

	if (!value)
		return NULL;
	for (const char *at = text; *at; at++) {
		if (is_plain(text, at))
			*to++ = *at;
		else
			to += sprintf(to, "%%%02X", (unsigned char)*at);
	}
	*to = 0;
	return value;
}

static bool is_ascii_line(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

/* Returns false, with *list freed, if there is no memory. */
static bool add(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		curl_slist_free_all(*list);
	*list = longer;
	return longer != NULL;
}

static bool add_value(struct curl_slist **list, const struct header *header, const char *text)
{
	char *value = header->is_json && is_ascii_line(text) ? strdup(text) : dh_fetch_header_value(text);
	char *line = NULL;
	bool is_added;

	if (!value || asprintf(&line, "%s: %s", header->name, value) < 0)
		line = NULL;
	free(value);
	if (!line) {
		curl_slist_free_all(*list);
		*list = NULL;
		return false;
	}
	is_added = add(list, line);
	free(line);
	return is_added;
}

static const char *content_type(void)
{
	const char *input = getenv("DH_INPUT");

	return input && strcmp(input, "audio") == 0 ? "Content-Type: application/octet-stream" :
						      "Content-Type: text/plain; charset=utf-8";
}

struct curl_slist *dh_fetch_headers(bool is_chunked)
{
	struct curl_slist *list = NULL;

	/* A server that takes its time over "Expect: 100-continue" would cost a second. */
	if (!add(&list, "Expect:") || !add(&list, content_type()))
		return NULL;
	if (is_chunked && !add(&list, "Transfer-Encoding: chunked"))
		return NULL;
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		const char *text = getenv(headers[i].variable);
		if (text && *text && !add_value(&list, &headers[i], text))
			return NULL;
	}
	return list;
}
