/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "avatar_export.h"

static int append(void *arg, const void *bytes, size_t size)
{
	g_byte_array_append(arg, bytes, (guint)size);
	return 0;
}

/* So that what is encoded elsewhere has it, too. */
static int write_mark(const struct dh_stream_writer *writer, const struct dh_avatar *avatar)
{
	GBytes *mark = dh_avatar_mark(avatar);
	struct dh_ingest_source source;
	gsize size;

	if (!mark)
		return 0;
	dh_avatar_source(dh_avatar_get_config(avatar), DH_INGEST_MARK, &source);
	const void *i420 = g_bytes_get_data(mark, &size);
	return dh_stream_write_mark(writer, source.mark_at, i420, size);
}

static int write_clip(const struct dh_stream_writer *writer, const struct dh_segment *clip,
	const struct dh_avatar *avatar)
{
	const struct dh_unit *anchor = dh_segment_anchor(clip), *first = dh_segment_unit(clip, DH_VIDEO, 0);
	const struct dh_stream_end end = { .video_ticks = first->duration_ticks };
	gsize size;
	const void *i420 = g_bytes_get_data(dh_avatar_picture(avatar), &size);
	int err = dh_stream_write_head(writer, dh_segment_head(clip));

	if (!err)
		err = dh_stream_write_anchor(writer, anchor->data, anchor->size);
	if (!err)
		err = dh_stream_write_picture(writer, i420, size);
	if (!err && dh_segment_head(clip)->has_mark)
		err = write_mark(writer, avatar);
	if (!err)
		err = dh_stream_write_unit(writer, first);
	return err ? err : dh_stream_write_end(writer, &end);
}

GBytes *dh_avatar_export(const struct dh_avatar *avatar)
{
	GByteArray *bytes = g_byte_array_new();
	const struct dh_stream_writer writer = { append, bytes };
	struct dh_segment *clip = NULL;
	int err = dh_avatar_clip(avatar, &clip);

	if (!err)
		err = write_clip(&writer, clip, avatar);
	dh_segment_free(&clip);
	if (!err)
		return g_byte_array_free_to_bytes(bytes);
	g_byte_array_unref(bytes);
	return NULL;
}
