/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encodes raw I420 pictures into an IVF file, and prints how long it took as JSON. See usage. */
#include "coder.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct coder *const coders[] = { &coder_vp8, &coder_vp9, &coder_av1, &coder_h264 };

struct job {
	const struct coder *coder;
	struct settings settings;
	int entry; /* frames from an entry (or key frame) to the next */
	const char *anchor, *input, *output;
};

static void usage(void)
{
	fputs("encode [options] CODEC INPUT.i420 OUTPUT.ivf\n"
	      "  -s WxH  -r FPS  -q QUANTIZER  -k KEY_QUANTIZER  -c COARSEST  -b KBPS  -u SPEED  -g (good deadline)\n"
	      "  -a ANCHOR.i420 (anchored; without it, a key frame every -n frames)  -n FRAMES  -e (entropy state\n"
	      "  goes on between entries)  -m X,Y,W,H -R ROI (see coder_vpx.c)\n",
		stderr);
	exit(2);
}

/* Options with a number. */
static bool read_number(int option, struct settings *s, struct job *job)
{
	const struct {
		int option, *value;
	} numbers[] = { { 'r', &s->fps }, { 'q', &s->quantizer }, { 'k', &s->key_quantizer }, { 'c', &s->coarsest },
		{ 'b', &s->kbps }, { 'u', &s->speed }, { 'n', &job->entry } };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (numbers[i].option == option) {
			*numbers[i].value = atoi(optarg);
			return true;
		}
	return false;
}

static bool read_option(int option, struct settings *s, struct job *job)
{
	int *m = s->mouth;
	switch (option) {
	case 's':
		return sscanf(optarg, "%dx%d", &s->width, &s->height) == 2;
	case 'm':
		return sscanf(optarg, "%d,%d,%d,%d", m, m + 1, m + 2, m + 3) == 4;
	case 'g':
		return s->is_good = true;
	case 'e':
		return s->has_entropy = true;
	case 'a':
		job->anchor = optarg;
		return s->is_anchored = true;
	case 'R':
		s->roi = optarg;
		return true;
	default:
		return read_number(option, s, job);
	}
}

static void read_options(int argc, char **argv, struct job *job)
{
	int option;
	*job = (struct job){ .entry = 12,
		.settings = { .width = 512, .height = 512, .fps = 25, .coarsest = 58, .roi = "" } };
	while ((option = getopt(argc, argv, "s:r:q:k:c:b:u:ga:n:em:R:")) != -1)
		if (!read_option(option, &job->settings, job))
			usage();
	if (argc - optind != 3 || job->settings.fps <= 0 || job->entry <= 0)
		usage();
	for (size_t i = 0; i < sizeof coders / sizeof *coders; i++)
		if (!strcmp(argv[optind], coders[i]->name))
			job->coder = coders[i];
	if (!job->coder)
		usage();
	job->input = argv[optind + 1];
	job->output = argv[optind + 2];
}

static void put(uint8_t *to, int size, uint64_t value)
{
	for (int i = 0; i < size; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

static void write_head(FILE *file, const struct job *job)
{
	uint8_t head[32] = "DKIF";
	put(head + 6, 2, sizeof head);
	memcpy(head + 8, job->coder->fourcc, 4);
	put(head + 12, 2, (uint64_t)job->settings.width);
	put(head + 14, 2, (uint64_t)job->settings.height);
	put(head + 16, 4, (uint64_t)job->settings.fps);
	put(head + 20, 4, 1);
	fwrite(head, sizeof head, 1, file);
}

static double processor_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Encodes one picture; returns the processor time that it took. */
static double encode_one(const struct job *job, const uint8_t *picture, enum kind kind, int64_t number, FILE *out)
{
	struct access_unit unit = { NULL, 0 };
	uint8_t head[12];
	double before = processor_s(), after;
	if (job->coder->encode(picture, kind, number, &unit))
		exit(1);
	after = processor_s();
	put(head, 4, unit.size);
	put(head + 4, 8, (uint64_t)number);
	fwrite(head, sizeof head, 1, out);
	fwrite(unit.bytes, unit.size, 1, out);
	return after - before;
}

static FILE *open_or_exit(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);
	if (!file) {
		fprintf(stderr, "encode: %s cannot be opened\n", path);
		exit(1);
	}
	return file;
}

int main(int argc, char **argv)
{
	struct job job;
	int64_t number = 0, frames = 0;
	double took_s = 0;
	read_options(argc, argv, &job);
	size_t size = (size_t)job.settings.width * (size_t)job.settings.height * 3 / 2;
	uint8_t *picture = malloc(size);
	FILE *in = open_or_exit(job.input, "rb"), *out = open_or_exit(job.output, "wb");
	FILE *anchor = job.anchor ? open_or_exit(job.anchor, "rb") : NULL;
	if (!picture || job.coder->open(&job.settings))
		return 1;
	write_head(out, &job);
	if (anchor && fread(picture, size, 1, anchor) == 1)
		encode_one(&job, picture, KEY, number++, out);
	for (; fread(picture, size, 1, in) == 1; frames++) {
		bool is_first = frames % job.entry == 0;
		enum kind kind = anchor ? (is_first ? ENTRY : REST) : is_first ? KEY : FREE;
		took_s += encode_one(&job, picture, kind, number++, out);
	}
	job.coder->close();
	if (anchor)
		fclose(anchor);
	fclose(in);
	free(picture);
	printf("{\"frames\": %d, \"processor_s\": %.3f}\n", (int)frames, took_s);
	return fclose(out) ? 1 : 0;
}
