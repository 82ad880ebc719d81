#include "inputs.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "playout/stream.h"
#include "prepare/job.h"

static int look_at_files(struct dh_inputs *inputs)
{
	struct stat st;

	if (inputs->source.is_opened_late) {
		inputs->is_live = 1;
		return 0;
	}
	for (int i = 0; i < inputs->source.count; i++) {
		if (fstat(inputs->source.fds[i], &st) < 0)
			return -errno;
		if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
			inputs->is_live = 1;
		else if (dh_file_identity_get(&inputs->identities[i], inputs->source.fds[i]) < 0)
			return -EINVAL;
	}
	return 0;
}

int dh_inputs_alloc(struct dh_inputs **inputs, const struct dh_ingest_source *source)
{
	struct dh_inputs *new = g_new0(struct dh_inputs, 1);
	int r = dh_ingest_source_is_valid(source) ? 0 : -EINVAL;

	atomic_init(&new->refs, 1);
	new->source = *source;
	for (int i = 0; i < 2; i++) {
		int is_used = i < CLAMP(source->count, 0, 2);
		new->source.fds[i] = is_used ? source->fds[i] : -1;
		new->source.names[i] = is_used && source->names[i] ? g_utf8_make_valid(source->names[i], -1) : NULL;
	}
	if (source->anchor)
		g_bytes_ref(source->anchor);
	if (r == 0)
		r = look_at_files(new);
	if (r < 0)
		dh_inputs_unref(&new);
	else
		*inputs = new;
	return r;
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
	}
	if (old->source.anchor)
		g_bytes_unref(old->source.anchor);
	g_free(old);
}

int dh_inputs_unchanged(const struct dh_inputs *inputs)
{
	struct dh_file_identity now;

	for (int i = 0; i < inputs->source.count; i++)
		if (dh_file_identity_get(&now, inputs->source.fds[i]) < 0 ||
		    !dh_file_identity_same(&now, &inputs->identities[i]))
			return 0;
	return 1;
}

/* Everything that the bytes of a prepared segment depend on. */
static void hash_settings(GChecksum *sum, const struct dh_ingest_source *source, const char *version)
{
	char *anchor = source->anchor ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, source->anchor) : NULL;
	char *text = g_strdup_printf("stream %d protocol %d kind %d size %dx%d kbps %d %d entry %d fps %d "
		"pingpong %d portrait %d anchor %s prepare %s", DH_STREAM_VERSION, DH_PREPARE_PROTOCOL,
		(int)source->kind, source->width, source->height, source->kbps, source->audio_kbps,
		source->entry_ms, source->fps_max, source->pingpong != 0, source->portrait_ms,
		anchor ? anchor : "none", version);

	g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text));
	g_free(text);
	g_free(anchor);
}

int dh_inputs_key(const struct dh_inputs *inputs, struct dh_file_hashes *hashes, const char *version,
	const atomic_int *cancelled, char key[DH_HASH_SIZE])
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	char hash[DH_HASH_SIZE];
	int r = 0;

	hash_settings(sum, &inputs->source, version);
	for (int i = 0; i < inputs->source.count && r == 0; i++) {
		r = dh_file_hash(hashes, inputs->source.fds[i], cancelled, hash);
		if (r == 0)
			g_checksum_update(sum, (const guchar *)hash, DH_HASH_SIZE - 1);
	}
	memcpy(key, g_checksum_get_string(sum), DH_HASH_SIZE);
	g_checksum_free(sum);
	return r;
}

char *dh_inputs_job(const struct dh_inputs *inputs, const struct dh_ingest_config *config)
{
	static const char *const kinds[] = { "segment", "idle", "portrait" };
	const struct dh_ingest_source *source = &inputs->source;
	json_t *names = json_array();
	json_t *job;
	char *text, *copy;

	for (int i = 0; i < source->count; i++)
		json_array_append_new(names, json_string(source->names[i]));
	job = json_pack("{ss so sb si si si si si si sb si sI si si}", "kind", kinds[source->kind],
		"names", names, "anchor", source->anchor != NULL, "width", source->width, "height", source->height,
		"kbps", source->kbps, "audio_kbps", source->audio_kbps, "entry_ms", source->entry_ms,
		"fps_max", source->fps_max, "pingpong", source->pingpong != 0, "portrait_ms", source->portrait_ms,
		"max_ms", (json_int_t)config->max_ms, "max_side", config->max_side,
		"silence_ms", inputs->is_live ? config->live_silence_ms : 0);
	text = json_dumps(job, JSON_COMPACT);
	json_decref(job);
	copy = g_strdup(text);
	free(text);
	return copy;
}
