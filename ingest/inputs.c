/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inputs.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media_files.h"
#include "mounts.h"
#include "playout/mark.h"
#include "playout/stream.h"
#include "prepare/job.h"

/* Others are no sources: a worker takes a SOCK_SEQPACKET for an envelope (prepare/job.h). */
static bool is_stream_socket(int fd)
{
	socklen_t size = sizeof(int);
	int type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* A descriptor must be a pipe or a SOCK_STREAM, but for those of a bridge. */
static int look_at_pipe(struct dh_inputs *inputs)
{
	struct stat st;

	inputs->is_live = inputs->source.fds[0] >= 0 || inputs->source.is_opened_late;
	if (inputs->source.kind == DH_INGEST_BRIDGE)
		return inputs->source.fds[0] >= 0 && inputs->source.fds[1] >= 0 ? 0 : -EINVAL;
	if (!inputs->is_live || inputs->source.is_opened_late)
		return 0;
	if (inputs->source.count != 1 || fstat(inputs->source.fds[0], &st) < 0)
		return -EINVAL;
	inputs->is_socket = is_stream_socket(inputs->source.fds[0]);
	return S_ISFIFO(st.st_mode) || inputs->is_socket ? 0 : -EINVAL;
}

int dh_inputs_alloc(struct dh_inputs **inputs, const struct dh_ingest_source *source)
{
	struct dh_inputs *new = g_new0(struct dh_inputs, 1);
	int err = dh_ingest_source_is_valid(source) ? 0 : -EINVAL;

	atomic_init(&new->refs, 1);
	new->source = *source;
	for (int i = 0; i < 2; i++) {
		bool is_used = i < CLAMP(source->count, 0, 2);
		new->source.fds[i] = is_used ? source->fds[i] : -1;
		new->source.names[i] = is_used ? g_strdup(source->names[i]) : NULL;
		new->source.folders[i] = is_used ? g_strdup(source->folders[i]) : NULL;
	}
	new->lead_fd = source->lead_fd;
	new->tail_fd = source->tail_fd;
	new->source.lead_fd = new->source.tail_fd = -1;
	new->source.made_of = g_strdup(source->made_of);
	new->source.background = g_strdup(source->background);
	if (source->anchor)
		g_bytes_ref(source->anchor);
	if (source->anchor_frame)
		g_bytes_ref(source->anchor_frame);
	if (source->background_picture)
		g_bytes_ref(source->background_picture);
	if (source->mark_picture)
		g_bytes_ref(source->mark_picture);
	if (err == 0)
		err = look_at_pipe(new);
	if (err < 0)
		dh_inputs_unref(&new);
	else
		*inputs = new;
	return err;
}

struct dh_inputs *dh_inputs_ref(struct dh_inputs *inputs)
{
	atomic_fetch_add(&inputs->refs, 1);
	return inputs;
}

void dh_inputs_unref(struct dh_inputs **inputs)
{
	struct dh_inputs *old = *inputs;

	*inputs = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	for (int i = 0; i < 2; i++) {
		if (old->source.fds[i] >= 0)
			close(old->source.fds[i]);
		g_free((char *)old->source.names[i]);
		g_free((char *)old->source.folders[i]);
	}
	dh_inputs_close_seams(old);
	g_free((char *)old->source.made_of);
	g_free((char *)old->source.background);
	if (old->source.anchor)
		g_bytes_unref(old->source.anchor);
	if (old->source.anchor_frame)
		g_bytes_unref(old->source.anchor_frame);
	if (old->source.background_picture)
		g_bytes_unref(old->source.background_picture);
	if (old->source.mark_picture)
		g_bytes_unref(old->source.mark_picture);
	g_free(old);
}

void dh_inputs_close_seams(struct dh_inputs *inputs)
{
	if (inputs->lead_fd >= 0)
		close(inputs->lead_fd);
	if (inputs->tail_fd >= 0)
		close(inputs->tail_fd);
	inputs->lead_fd = inputs->tail_fd = -1;
}

/* --- files */

int dh_inputs_open(const struct dh_inputs *inputs, int i, struct dh_opener *opener, struct dh_file_identity *identity,
	char **error)
{
	const struct dh_ingest_source *source = &inputs->source;
	struct stat st;
	int fd = dh_media_open(opener, source->folders[i], source->names[i], source->max_bytes, &st, error), err;

	if (fd < 0)
		return fd;
	err = dh_file_identity_of(identity, &st);
	if (err == 0 && source->is_found[i] && !dh_file_identity_alike(identity, &source->identities[i]))
		err = -ESTALE;
	if (err == 0)
		return fd;
	dh_openers_close(opener->openers, fd);
	*error = g_strdup(err == -ESTALE ? "it was changed after it was enqueued" : g_strerror(-err));
	return err;
}

uint64_t dh_inputs_device(const struct dh_inputs *inputs, int i)
{
	const char *folder = inputs->source.folders[i];
	char *path = g_build_filename(folder ? folder : "/", inputs->source.names[i], NULL);
	uint64_t device = dh_mounts_device(path, NULL);

	g_free(path);
	return device;
}

/* --- key and job */

/* What is being made has to be encoded in time, in many rooms at once: a quarter less processor time than at -6,
 * for 0.1 to 1.1 dB. The fastest one saves little more, and costs up to 4 dB (docs/codecs.md). */
#define LIVE_SPEED 12

/* The worker's own choice suits files that are played while they are prepared. A clip is played for days. */
static void set_speed(json_t *job, const struct dh_inputs *inputs)
{
	enum dh_ingest_kind kind = inputs->source.kind;

	if (inputs->is_live) {
		json_object_set_new(job, "speed", json_integer(LIVE_SPEED));
		json_object_set_new(job, "speed_later", json_integer(LIVE_SPEED));
	} else if (kind == DH_INGEST_IDLE || kind == DH_INGEST_PORTRAIT) {
		json_object_set_new(job, "speed", json_integer(DH_SPEED_MIN));
	}
}

static char *picture_text(GBytes *i420, const char *otherwise)
{
	return i420 ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, i420) : g_strdup(otherwise);
}

/* What most avatars do without. */
static void hash_options(GChecksum *sum, const struct dh_ingest_source *source)
{
	if (source->kbps_2) {
		char *lower = g_strdup_printf(" lower %d %d", source->kbps_2, source->kbps_3);
		g_checksum_update(sum, (const guchar *)lower, (gssize)strlen(lower));
		g_free(lower);
	}
	if (source->temporal)
		g_checksum_update(sum, (const guchar *)" temporal", -1);
	if (source->has_mark) {
		char *mark = picture_text(source->mark_picture, "none");
		char *lies = g_strdup_printf(" mark %s %s", dh_mark_at_name(source->mark_at), mark);
		g_checksum_update(sum, (const guchar *)lies, (gssize)strlen(lies));
		g_free(lies);
		g_free(mark);
	}
}

/* Everything that the bytes of a prepared segment depend on, except the inputs. */
static void hash_settings(GChecksum *sum, const struct dh_ingest_source *source, const char *version)
{
	char *anchor = picture_text(source->anchor, "none");
	char *frame = picture_text(source->anchor_frame, "none");
	char *background = picture_text(source->background_picture,
		source->background ? source->background : "default");
	char *text = g_strdup_printf("stream %d protocol %d kind %d size %dx%d kbps %d %d entry %d fps %d "
				     "pingpong %d portrait %d skip %d leaves %d anchor %s frame %s background %s "
				     "prepare %s",
		DH_STREAM_VERSION, DH_PREPARE_PROTOCOL, (int)source->kind, source->width, source->height, source->kbps,
		source->audio_kbps, source->entry_ms, source->fps_max, source->pingpong, source->portrait_ms,
		source->skip, source->leaves, anchor, frame, background, version);

	g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text));
	hash_options(sum, source);
	g_free(text);
	g_free(anchor);
	g_free(frame);
	g_free(background);
}

/* Never the hash of a file, which is one of bytes alone. */
void dh_inputs_made_key(const struct dh_inputs *inputs, const char *version, char key[DH_HASH_SIZE])
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);

	hash_settings(sum, &inputs->source, version);
	g_checksum_update(sum, (const guchar *)"made of ", -1);
	g_checksum_update(sum, (const guchar *)inputs->source.made_of, -1);
	memcpy(key, g_checksum_get_string(sum), DH_HASH_SIZE);
	g_checksum_free(sum);
}

void dh_inputs_key(const struct dh_inputs *inputs, const struct dh_file_hash *hashes, const char *version,
	char key[DH_HASH_SIZE])
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);

	hash_settings(sum, &inputs->source, version);
	for (int i = 0; i < inputs->source.count; i++)
		g_checksum_update(sum, (const guchar *)hashes[i].hex, DH_HASH_SIZE - 1);
	memcpy(key, g_checksum_get_string(sum), DH_HASH_SIZE);
	g_checksum_free(sum);
}

char *dh_inputs_early_key(const struct dh_inputs *inputs, const struct dh_file_identity *identities,
	const char *version)
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	bool is_fresh = false;
	char *key;

	hash_settings(sum, &inputs->source, version);
	for (int i = 0; i < inputs->source.count; i++) {
		char *text = dh_file_identity_text(&identities[i]);
		g_checksum_update(sum, (const guchar *)text, -1);
		g_checksum_update(sum, (const guchar *)"\n", 1);
		g_free(text);
		is_fresh |= identities[i].is_fresh;
	}
	key = is_fresh ? NULL : g_strdup_printf("early %s", g_checksum_get_string(sum));
	g_checksum_free(sum);
	return key;
}

char *dh_inputs_job(const struct dh_inputs *inputs, const struct dh_ingest_config *config)
{
	static const char *const kinds[] = { "segment", "idle", "portrait", "bridge", "background", "mark" };
	const struct dh_ingest_source *source = &inputs->source;
	int64_t max_ms = inputs->is_live ? config->max_live_ms : config->max_ms;
	json_t *names = json_array();
	json_t *job;
	char *text, *copy;

	for (int i = 0; i < source->count; i++) {
		const char *stand_in = i == 0 ? DH_JOB_NAME_1 : DH_JOB_NAME_2;
		json_array_append_new(names, json_string(inputs->is_live ? source->names[i] : stand_in));
	}
	job = json_pack("{ss so sb sb sb sb si si si si si si sb si si sb sI si si}", "kind", kinds[source->kind],
		"names", names, "anchor", source->anchor != NULL, "anchor_frame", source->anchor_frame != NULL, "lead",
		inputs->lead_fd >= 0, "tail", inputs->tail_fd >= 0, "width", source->width, "height", source->height,
		"kbps", source->kbps, "audio_kbps", source->audio_kbps, "entry_ms", source->entry_ms, "fps_max",
		source->fps_max, "pingpong", source->pingpong, "portrait_ms", source->portrait_ms, "skip", source->skip,
		"leaves", source->leaves, "max_ms", (json_int_t)max_ms, "max_side", config->max_side, "silence_ms",
		inputs->is_live ? config->live_silence_ms : 0);
	set_speed(job, inputs);
	if (source->kbps_2)
		json_object_set_new(job, "kbps_2", json_integer(source->kbps_2));
	if (source->kbps_3)
		json_object_set_new(job, "kbps_3", json_integer(source->kbps_3));
	if (source->temporal)
		json_object_set_new(job, "temporal", json_true());
	if (source->background_picture || source->background)
		json_object_set_new(job, "background",
			json_string(source->background_picture ? "picture" : source->background));
	if (source->has_mark)
		json_object_set_new(job, "mark", json_string(dh_mark_at_name(source->mark_at)));
	text = json_dumps(job, JSON_COMPACT);
	json_decref(job);
	copy = g_strdup(text);
	free(text);
	return copy;
}
