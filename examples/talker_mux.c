/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_mux.h"
#include "talker_containers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

struct dh_mux {
	int fd;
	struct dh_mux_format format;
	int64_t frames, samples; /* written so far */
};

static int write_all(int fd, struct iovec *part, int count)
{
	while (count) {
		ssize_t written = writev(fd, part, count);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		for (; count && (size_t)written >= part->iov_len; part++, count--)
			written -= (ssize_t)part->iov_len;
		if (count) {
			part->iov_base = (char *)part->iov_base + written;
			part->iov_len -= (size_t)written;
		}
	}
	return 0;
}

int dh_mux_alloc(struct dh_mux **result, int fd, const struct dh_mux_format *format)
{
	struct dh_mux *mux = calloc(1, sizeof(*mux));
	struct dh_bytes header = { 0 };
	int err;

	if (!mux)
		return -ENOMEM;
	mux->fd = fd;
	mux->format = *format;
	if (format->container == DH_MATROSKA)
		dh_matroska_header(&header, format);
	else
		dh_nut_header(&header, format);
	err = header.full ? -ENOMEM : write_all(fd, &(struct iovec){ header.data, header.size }, 1);
	if (err)
		free(mux);
	else
		*result = mux;
	return err;
}

int dh_mux_write(struct dh_mux *mux, const uint8_t *i420, const int16_t *samples, size_t count)
{
	size_t pixels = (size_t)mux->format.width * (size_t)mux->format.height;
	struct dh_bytes before_picture = { 0 }, before_sound = { 0 };
	struct dh_mux_frame frame = {
		.number = mux->frames,
		.picture_size = pixels * 3 / 2,
		.first_sample = mux->samples,
		.sound_size = count * sizeof(int16_t),
	};
	struct iovec parts[4];

	if (mux->format.container == DH_MATROSKA)
		dh_matroska_frame(&before_picture, &before_sound, &mux->format, &frame);
	else
		dh_nut_frame(&before_picture, &before_sound, &mux->format, &frame);
	parts[0] = (struct iovec){ before_picture.data, before_picture.size };
	parts[1] = (struct iovec){ (void *)(uintptr_t)i420, frame.picture_size };
	parts[2] = (struct iovec){ before_sound.data, before_sound.size };
	parts[3] = (struct iovec){ (void *)(uintptr_t)samples, frame.sound_size };
	mux->frames++;
	mux->samples += (int64_t)count;
	return write_all(mux->fd, parts, count ? 4 : 2);
}

int dh_mux_word(struct dh_mux *mux, int64_t ms, const char *text)
{
	struct dh_bytes bytes = { 0 };

	if (!*text)
		text = " "; /* which every demuxer passes on */
	if (mux->format.container == DH_MATROSKA)
		dh_matroska_word(&bytes, ms, text);
	else
		dh_nut_word(&bytes, &mux->format, ms, text);
	return bytes.full ? -ENOMEM : write_all(mux->fd, &(struct iovec){ bytes.data, bytes.size }, 1);
}

int dh_mux_end(struct dh_mux *mux)
{
	struct dh_bytes end = { 0 };

	if (mux->format.container == DH_NUT)
		dh_nut_end(&end, &mux->format, mux->frames);
	return write_all(mux->fd, &(struct iovec){ end.data, end.size }, end.size ? 1 : 0);
}

void dh_mux_free(struct dh_mux **mux)
{
	free(*mux);
	*mux = NULL;
}
