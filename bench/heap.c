/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preloaded into a gateway whose memory is measured (see usage.py). On SIGRTMIN it
 * returns malloc's free memory to the system, and writes the number of allocated bytes
 * to the file HEAP_REPORT. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static sigset_t requests;
static char path[1024], aside[1032];

static void report(void)
{
	malloc_trim(0);
	struct mallinfo2 info = mallinfo2();
	FILE *file = fopen(aside, "w");

	if (!file)
		return;
	fprintf(file, "%zu\n", info.uordblks + info.hblkhd);
	fclose(file);
	rename(aside, path);
}

static void *serve(void *unused)
{
	int number;

	(void)unused;
	while (sigwait(&requests, &number) == 0)
		report();
	return NULL;
}

/* Blocked here, the signal is blocked in all threads that come later. What the
 * gateway starts is not measured. */
__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("HEAP_REPORT");
	pthread_t thread;

	if (!name)
		return;
	snprintf(path, sizeof path, "%s", name);
	snprintf(aside, sizeof aside, "%s.new", name);
	unsetenv("LD_PRELOAD");
	unsetenv("HEAP_REPORT");
	sigemptyset(&requests);
	sigaddset(&requests, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &requests, NULL);
	pthread_create(&thread, NULL, serve, NULL);
}
