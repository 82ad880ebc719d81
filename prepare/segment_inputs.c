/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "segment_inputs.h"

#include "task_media.h"

static int open_one(struct dh_segment_inputs *inputs, const struct dh_task *task, int input, int want,
	struct dh_fault *fault)
{
	struct dh_source_config config = dh_task_source(task, input, want);
	int code = dh_source_alloc(&inputs->sources[input], &config, fault);
	if (code)
		return code;
	for (int media = DH_AUDIO; media <= DH_VIDEO; media++)
		if (want & 1 << media && dh_source_has(inputs->sources[input], media))
			inputs->of[media] = input;
	if (inputs->words_of < 0 && dh_source_has_words(inputs->sources[input]))
		inputs->words_of = input;
	return 0;
}

int dh_segment_inputs_open(struct dh_segment_inputs *inputs, const struct dh_task *task, struct dh_fault *fault)
{
	inputs->of[DH_AUDIO] = inputs->of[DH_VIDEO] = inputs->words_of = -1;
	if (task->inputs_count == 1) {
		int code = open_one(inputs, task, 0, DH_WANT_AUDIO | DH_WANT_VIDEO | DH_WANT_WORDS, fault);
		if (!code && inputs->of[DH_AUDIO] < 0 && inputs->of[DH_VIDEO] < 0)
			code = dh_fault_set(fault, DH_PREPARE_EMPTY, "%s has neither picture nor sound",
				task->inputs[0].name);
		return code;
	}
	int code = open_one(inputs, task, 0, DH_WANT_VIDEO | DH_WANT_WORDS, fault);
	if (!code && inputs->of[DH_VIDEO] < 0)
		code = dh_fault_set(fault, DH_PREPARE_EMPTY,
			"%s has no picture: of two inputs the first is the video, "
			"the second the audio",
			task->inputs[0].name);
	if (!code)
		code = open_one(inputs, task, 1, DH_WANT_AUDIO | DH_WANT_WORDS, fault);
	if (!code && inputs->of[DH_AUDIO] < 0)
		code = dh_fault_set(fault, DH_PREPARE_EMPTY,
			"%s has no sound: of two inputs the first is the video, "
			"the second the audio",
			task->inputs[1].name);
	return code;
}

void dh_segment_inputs_clear(struct dh_segment_inputs *inputs)
{
	for (int i = 0; i < DH_TASK_INPUTS; i++)
		dh_source_free(&inputs->sources[i]);
}
