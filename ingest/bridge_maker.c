/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bridge_maker.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ingest_state.h"
#include "log.h"
#include "playout/stream.h"
#include "source.h"

struct dh_bridge_maker {
	/* immutable */
	struct dh_ingest *ingest;
	struct dh_bridge_spec spec; /* holds references */
	struct dh_bridge_listener listener;
	void *arg;
	/* the I/O thread */
	struct dh_subscription *subscription;
	struct dh_segment *bridge;
	bool is_broken; /* what came is not a segment */
};

static void unit_free(gpointer data)
{
	struct dh_unit *unit = data;

	dh_unit_unref(&unit);
}

GPtrArray *dh_bridge_units_new(void)
{
	return g_ptr_array_new_with_free_func(unit_free);
}

static void release(struct dh_bridge_maker *maker)
{
	g_ptr_array_unref(maker->spec.tail);
	g_ptr_array_unref(maker->spec.lead);
	dh_unit_unref(&maker->spec.tail_anchor);
	dh_unit_unref(&maker->spec.lead_anchor);
	g_bytes_unref(maker->spec.picture);
	g_bytes_unref(maker->spec.frame);
	g_free((char *)maker->spec.name);
	dh_segment_free(&maker->bridge);
	maker->listener.gone(maker->arg);
	g_free(maker);
}

/* What is to be made, but for the files. */
static struct dh_ingest_source source_of(const struct dh_bridge_maker *maker)
{
	struct dh_ingest_source source;

	dh_ingest_source_init(&source);
	source.kind = DH_INGEST_BRIDGE;
	source.width = maker->spec.width;
	source.height = maker->spec.height;
	source.kbps = maker->spec.kbps;
	source.kbps_2 = maker->spec.kbps_2;
	source.kbps_3 = maker->spec.kbps_3;
	source.entry_ms = maker->spec.entry_ms;
	source.temporal = maker->spec.temporal;
	source.skip = maker->spec.skip;
	source.leaves = maker->spec.leaves;
	source.anchor = maker->spec.picture;
	source.anchor_frame = maker->spec.frame;
	source.background = maker->spec.background;
	source.owner = maker->spec.owner;
	source.is_next = true;
	return source;
}

static struct dh_stream_head head_of(const struct dh_bridge_maker *maker)
{
	const struct dh_ingest_source source = source_of(maker);

	return (struct dh_stream_head){ .has_video = true,
		.width = source.width,
		.height = dh_ingest_source_coded_height(&source),
		.has_matte = dh_ingest_source_has_matte(&source),
		.rate_den = 1 };
}

/* --- what comes back; I/O thread */

static void note(struct dh_bridge_maker *maker, int err)
{
	maker->is_broken = maker->is_broken || err;
}

static void on_head(void *arg, const struct dh_stream_head *head)
{
	struct dh_bridge_maker *maker = arg;

	note(maker, dh_segment_alloc(&maker->bridge, "bridge", NULL));
	maker->is_broken = maker->is_broken || !head->has_video || head->has_audio;
}

static void on_anchor(void *arg, struct dh_unit *anchor)
{
	struct dh_bridge_maker *maker = arg;
	const struct dh_stream_head head = head_of(maker);

	if (!maker->is_broken)
		note(maker, dh_segment_open(maker->bridge, &head, anchor));
}

static void on_units(void *arg, struct dh_unit *const *units, size_t count)
{
	struct dh_bridge_maker *maker = arg;

	for (size_t i = 0; i < count && !maker->is_broken; i++)
		note(maker, dh_segment_append(maker->bridge, units[i]));
}

static void failed(struct dh_bridge_maker *maker, const char *why)
{
	dh_log(DH_LOG_WARNING, "%s: it is cut, not faded: %s", maker->spec.name, why);
}

static void on_end(void *arg, const struct dh_stream_end *end)
{
	struct dh_bridge_maker *maker = arg;

	(void)end;
	if (maker->is_broken || !maker->bridge || !dh_segment_is_open(maker->bridge)) {
		failed(maker, "what was made is no bridge");
		return;
	}
	dh_segment_complete(maker->bridge);
	if (maker->spec.is_kept)
		dh_ingest_keep(maker->subscription);
	maker->listener.made(maker->arg, g_steal_pointer(&maker->bridge));
}

static void on_failure(void *arg, int code, const char *text)
{
	(void)code;
	failed(arg, text);
}

static const struct dh_ingest_listener listener = {
	.head = on_head,
	.anchor = on_anchor,
	.units = on_units,
	.end = on_end,
	.failure = on_failure,
};

/* --- what the worker gets; I/O thread */

static int append(void *arg, const void *bytes, size_t size)
{
	g_byte_array_append(arg, bytes, (guint)size);
	return 0;
}

/* The times of units of a loop need not rise: they get new ones. */
static int write_units(const struct dh_stream_writer *writer, const GPtrArray *units, struct dh_stream_end *end)
{
	int err = 0;

	for (guint i = 0; i < units->len && !err; i++) {
		const struct dh_unit *from = units->pdata[i];
		struct dh_unit *unit = dh_unit_new(DH_VIDEO, end->video_ticks, from->duration_ticks, from->data,
			from->size);
		if (!unit)
			return -ENOMEM;
		unit->flags = from->flags;
		end->video_ticks += from->duration_ticks;
		err = dh_stream_write_unit(writer, unit);
		dh_unit_unref(&unit);
	}
	return err;
}

/* A prepared stream of these units. */
static int write_stream(const struct dh_bridge_maker *maker, const struct dh_unit *anchor, const GPtrArray *units,
	GByteArray *bytes)
{
	const struct dh_stream_writer writer = { append, bytes };
	const struct dh_stream_head head = head_of(maker);
	struct dh_stream_end end = { 0 };
	int err = dh_stream_write_head(&writer, &head);

	if (!err)
		err = dh_stream_write_anchor(&writer, anchor->data, anchor->size);
	if (!err)
		err = write_units(&writer, units, &end);
	return err ? err : dh_stream_write_end(&writer, &end);
}

/* An anonymous file; negative errno. */
static int open_bytes(const GByteArray *bytes)
{
	int fd = memfd_create("bridge", MFD_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < bytes->len) {
		ssize_t n = write(fd, bytes->data + done, bytes->len - done);
		if (n < 0 && errno != EINTR) {
			int err = -errno;
			close(fd);
			return err;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int subscribe(struct dh_bridge_maker *maker, GByteArray *const streams[2])
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	struct dh_ingest_source source = source_of(maker);
	int err = 0;

	for (int i = 0; i < 2; i++) {
		g_checksum_update(sum, streams[i]->data, streams[i]->len);
		source.names[source.count] = maker->spec.name;
		source.fds[source.count++] = open_bytes(streams[i]);
		err = err ? err : MIN(source.fds[i], 0);
	}
	source.made_of = maker->spec.is_kept ? g_checksum_get_string(sum) : NULL;
	if (!err)
		err = dh_ingest_subscribe(maker->ingest, &source, &listener, maker, &maker->subscription);
	else
		for (int i = 0; i < 2; i++)
			if (source.fds[i] >= 0)
				close(source.fds[i]);
	g_checksum_free(sum);
	return err;
}

static void begin(void *arg)
{
	struct dh_bridge_maker *maker = arg;
	GByteArray *streams[2] = { g_byte_array_new(), g_byte_array_new() };
	int err = write_stream(maker, maker->spec.tail_anchor, maker->spec.tail, streams[0]);

	if (!err)
		err = write_stream(maker, maker->spec.lead_anchor, maker->spec.lead, streams[1]);
	if (!err)
		err = subscribe(maker, streams);
	if (err)
		failed(maker, g_strerror(-err));
	for (int i = 0; i < 2; i++)
		g_byte_array_unref(streams[i]);
}

static void end(void *arg)
{
	struct dh_bridge_maker *maker = arg;

	dh_ingest_unsubscribe(&maker->subscription);
	release(maker);
}

/* --- any thread */

struct dh_bridge_maker *dh_bridge_maker_new(struct dh_ingest *ingest, const struct dh_bridge_spec *spec,
	const struct dh_bridge_listener *to, void *arg)
{
	struct dh_bridge_maker *maker = g_new0(struct dh_bridge_maker, 1);

	maker->ingest = ingest;
	maker->spec = *spec;
	maker->spec.name = g_strdup(spec->name);
	g_bytes_ref(spec->picture);
	if (spec->frame)
		g_bytes_ref(spec->frame);
	maker->listener = *to;
	maker->arg = arg;
	dh_io_post(ingest->io, begin, maker);
	return maker;
}

void dh_bridge_maker_free(struct dh_bridge_maker **maker)
{
	struct dh_bridge_maker *old = *maker;

	*maker = NULL;
	if (old)
		dh_io_post(old->ingest->io, end, old);
}
