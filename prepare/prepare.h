/* Prepares one task: reads its inputs, writes a segment stream. */
#ifndef DH_PREPARE_H
#define DH_PREPARE_H

#include "fault.h"
#include "playout/stream.h"
#include "task.h"

/* How far it is; `total_ticks` 0 where the input does not say. */
struct dh_progress {
	void (*report)(void *arg, int64_t done_ticks, int64_t total_ticks, int64_t pictures);
	void *arg;
};

/* Loads libraries and tables, so that the first task finds them warm. */
void dh_prepare_warm_up(void);

/* 0, or a code of enum dh_prepare_exit with `fault` filled in. The stream is
 * complete on success; on failure it ends wherever it was, without FAIL.
 * `progress` may be NULL. */
int dh_prepare(const struct dh_task *task, const struct dh_stream_writer *writer,
	const struct dh_progress *progress, struct dh_fault *fault);

/* One line that changes whenever the output may: our version, the libraries'. */
const char *dh_prepare_version(void);

#endif
