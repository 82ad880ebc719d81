/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-fetch, see fetch.h. The plugin runs one, in a dh-scope, for each segment that an HTTP
 * service makes.
 */
#include "fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fetch_headers.h"
#include "fetch_silence.h"

/* Of an error's body: how much of its first line is reported, how much is read. */
#define LINE_MAX_BYTES 300
#define BODY_MAX_BYTES 65536
#define BUFFER_BYTES   (256L << 10)

struct fetch {
	long connect_s, silence_s;
	int socket; /* a Unix socket's file; -1: none */
	CURL *easy;
	CURLM *multi;
	/* the text */
	curl_off_t size; /* -1: unknown, it may still be written */
	bool is_waiting; /* for more of it */
	/* the answer */
	bool has_delivered, is_reader_gone, is_silent;
	struct dh_fetch_silence silence;
	char line[LINE_MAX_BYTES + 1];
	size_t line_size, body_size;
	bool is_line_over;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static long status_of(const struct fetch *fetch)
{
	long status = 0;

	curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* --- the text */

static size_t read_text(char *buffer, size_t size, size_t count, void *arg)
{
	struct fetch *fetch = arg;
	ssize_t n;

	do
		n = read(STDIN_FILENO, buffer, size * count);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		fetch->is_waiting = true;
		return CURL_READFUNC_PAUSE;
	}
	if (n < 0)
		return CURL_READFUNC_ABORT;
	/* A text that is still being written may take its time; nobody waits for the rest of a file. */
	if (n == 0 || fetch->size >= 0)
		dh_fetch_silence_begin(&fetch->silence, now_ms());
	return (size_t)n;
}

/* --- the answer */

/* Waits while nobody reads it: that is not the service's silence. */
static bool write_all(const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

static void keep_line(struct fetch *fetch, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size && !fetch->is_line_over; i++) {
		bool is_break = bytes[i] == '\n' || bytes[i] == '\r';
		if (is_break && fetch->line_size == 0)
			continue;
		if (is_break || fetch->line_size == LINE_MAX_BYTES)
			fetch->is_line_over = true;
		else
			fetch->line[fetch->line_size++] = bytes[i] == '\t' ? ' ' : bytes[i];
	}
}

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct fetch *fetch = arg;

	size *= count;
	if (status_of(fetch) / 100 != 2) {
		keep_line(fetch, bytes, size);
		fetch->body_size += size;
		return fetch->body_size > BODY_MAX_BYTES ? 0 : size;
	}
	if (!write_all(bytes, size)) {
		fetch->is_reader_gone = true;
		return 0;
	}
	fetch->has_delivered = fetch->has_delivered || size > 0;
	dh_fetch_silence_heard(&fetch->silence, now_ms());
	return size;
}

/* --- how it ends */

static int complain(int code, const char *text)
{
	dprintf(STDERR_FILENO, "%s\n", text);
	return code;
}

/* Busy, or not itself: another one may do it. */
static bool is_passing(long status)
{
	return status >= 500 || status == 408 || status == 429 || status / 100 == 3;
}

static int refused(const struct fetch *fetch, long status)
{
	char text[LINE_MAX_BYTES + 60];

	snprintf(text, sizeof text, "answered %ld%s%s", status, fetch->line_size > 0 ? ": " : "", fetch->line);
	return complain(is_passing(status) ? DH_FETCH_UNABLE : DH_FETCH_REFUSED, text);
}

static const char *cannot_connect(const struct fetch *fetch)
{
	long number = 0;

	curl_easy_getinfo(fetch->easy, CURLINFO_OS_ERRNO, &number);
	return number == ECONNREFUSED  ? "cannot be reached: connection refused" :
		number == ENETUNREACH  ? "cannot be reached: no way to its network" :
		number == EHOSTUNREACH ? "cannot be reached: no way to its machine" :
					 "cannot be reached";
}

static const char *words(const struct fetch *fetch, CURLcode result)
{
	switch (result) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return "cannot be reached: its name could not be resolved";
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "cannot be reached: its proxy's name could not be resolved";
	case CURLE_COULDNT_CONNECT:
		return cannot_connect(fetch);
	case CURLE_OPERATION_TIMEDOUT:
		return "cannot be reached: it did not answer within connect_s";
	case CURLE_PEER_FAILED_VERIFICATION:
		return "cannot be trusted: its certificate could not be verified";
	case CURLE_SSL_CONNECT_ERROR:
		return "cannot be reached: no TLS connection could be made";
	case CURLE_SSL_CACERT_BADFILE:
		return "cannot be trusted: the file of certificates cannot be read";
	case CURLE_GOT_NOTHING:
		return "closed the connection without an answer";
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return fetch->has_delivered ? "broke off" : "broke off before it sent anything";
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return "cannot be reached: its url is not valid";
	default:
		return curl_easy_strerror(result);
	}
}

static int explain(const struct fetch *fetch, CURLcode result)
{
	int failed = fetch->has_delivered ? DH_FETCH_BROKEN : DH_FETCH_UNABLE;
	long status = status_of(fetch);
	char text[100];

	if (fetch->is_reader_gone)
		return DH_FETCH_READER;
	if (fetch->is_silent) {
		snprintf(text, sizeof text, "sent nothing for %ld s", fetch->silence_s);
		return complain(fetch->has_delivered ? DH_FETCH_SILENT : DH_FETCH_MUTE, text);
	}
	if (status >= 200 && status / 100 != 2)
		return refused(fetch, status);
	if (result != CURLE_OK)
		return complain(failed, words(fetch, result));
	return fetch->has_delivered ? DH_FETCH_OK : complain(DH_FETCH_UNABLE, "answered without media");
}

/* --- the transfer */

/* Where curl's own tool looks, too. */
static void set_certificates(CURL *easy)
{
	const char *file = getenv("SSL_CERT_FILE"), *folder = getenv("SSL_CERT_DIR");

	if (file && *file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, file);
	if (folder && *folder)
		curl_easy_setopt(easy, CURLOPT_CAPATH, folder);
}

/* The kernel finds the socket by the descriptor of its file. No proxy is asked. */
static void use_socket(const struct fetch *fetch)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fetch->socket);
	curl_easy_setopt(fetch->easy, CURLOPT_UNIX_SOCKET_PATH, path);
	curl_easy_setopt(fetch->easy, CURLOPT_PROXY, "");
}

static void set_up(struct fetch *fetch, const char *url, struct curl_slist *headers)
{
	CURL *easy = fetch->easy;

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, fetch->connect_s);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "dh-fetch/" DH_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	if (fetch->size >= 0)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, fetch->size);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_text);
	curl_easy_setopt(easy, CURLOPT_READDATA, fetch);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
	set_certificates(easy);
	if (fetch->socket >= 0)
		use_socket(fetch);
}

static void wait_for_news(struct fetch *fetch)
{
	struct curl_waitfd text = { .fd = STDIN_FILENO, .events = CURL_WAIT_POLLIN };
	int64_t since_ms = now_ms();
	int most_ms = dh_fetch_silence_wait_ms(&fetch->silence, since_ms);

	curl_multi_poll(fetch->multi, &text, fetch->is_waiting ? 1 : 0, most_ms, NULL);
	dh_fetch_silence_woke(&fetch->silence, since_ms, most_ms, now_ms());
	/* At the end of a pipe only POLLHUP comes, which curl_waitfd has no word for. */
	struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
	if (fetch->is_waiting && poll(&end, 1, 0) > 0) {
		fetch->is_waiting = false;
		curl_easy_pause(fetch->easy, CURLPAUSE_CONT);
	}
}

static CURLcode transfer(struct fetch *fetch)
{
	int running = 1, left;
	CURLMsg *message;

	curl_multi_add_handle(fetch->multi, fetch->easy);
	while (curl_multi_perform(fetch->multi, &running) == CURLM_OK && running > 0) {
		fetch->is_silent = dh_fetch_silence_is_over(&fetch->silence);
		if (fetch->is_silent)
			break;
		wait_for_news(fetch);
	}
	message = curl_multi_info_read(fetch->multi, &left);
	return message ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
}

static int run(struct fetch *fetch, const char *url)
{
	struct stat text;
	struct curl_slist *headers;
	int code;

	fetch->size = fstat(STDIN_FILENO, &text) == 0 && S_ISREG(text.st_mode) ? (curl_off_t)text.st_size : -1;
	dh_fetch_silence_init(&fetch->silence, fetch->silence_s * 1000, now_ms());
	if (fetch->size == 0) /* curl does not ask for it */
		dh_fetch_silence_begin(&fetch->silence, now_ms());
	fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
	headers = dh_fetch_headers(fetch->size < 0);
	fetch->easy = curl_easy_init();
	fetch->multi = curl_multi_init();
	if (!headers || !fetch->easy || !fetch->multi)
		return complain(DH_FETCH_USAGE, "could not be asked: out of memory");
	set_up(fetch, url, headers);
	code = explain(fetch, transfer(fetch));
	curl_multi_remove_handle(fetch->multi, fetch->easy);
	curl_easy_cleanup(fetch->easy);
	curl_multi_cleanup(fetch->multi);
	curl_slist_free_all(headers);
	return code;
}

static bool read_options(struct fetch *fetch, int argc, char **argv)
{
	static const struct option options[] = {
		{ "connect-s", required_argument, NULL, 'c' },
		{ "silence-s", required_argument, NULL, 's' },
		{ "socket", required_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			fetch->connect_s = atoi(optarg);
		else if (option == 's')
			fetch->silence_s = atoi(optarg);
		else if (option == 'f')
			fetch->socket = atoi(optarg);
		else
			return false;
	}
	return optind == argc && fetch->connect_s > 0 && fetch->silence_s > 0;
}

int main(int argc, char **argv)
{
	struct fetch fetch = { .connect_s = 5, .silence_s = 30, .socket = -1 };
	const char *url = getenv("DH_URL");
	int code;

	if (!read_options(&fetch, argc, argv) || !url)
		return complain(DH_FETCH_USAGE,
			"Usage: DH_URL=URL dh-fetch [--connect-s N] [--silence-s N] [--socket FD]");
	signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return complain(DH_FETCH_USAGE, "could not be asked: curl cannot be started");
	code = run(&fetch, url);
	curl_global_cleanup();
	return code;
}
