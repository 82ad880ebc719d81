/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record_mjr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FILE_HEAD  "MJR00002"
#define FRAME_HEAD "MEET"

int dh_record_create(FILE **file, int folder, const char *name)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);

	*file = fd < 0 ? NULL : fdopen(fd, "w");
	if (*file)
		return 0;
	int err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static void put(uint8_t *at, int count, uint32_t value)
{
	for (int i = 0; i < count; i++)
		at[i] = (uint8_t)(value >> (8 * (count - 1 - i)));
}

static int write_all(FILE *file, const void *bytes, size_t size)
{
	return fwrite(bytes, 1, size, file) == size ? 0 : -errno;
}

int dh_record_mjr_open(struct dh_record_mjr *mjr, int folder, const char *name, enum dh_media media, int64_t begun_us)
{
	char facts[200];
	uint8_t length[2];
	int err = dh_record_create(&mjr->file, folder, name);

	if (err)
		return err;
	mjr->begun_us = begun_us;
	snprintf(facts, sizeof(facts), "{\"t\":\"%s\",\"c\":\"%s\",\"s\":%lld,\"u\":%lld}",
		media == DH_VIDEO ? "v" : "a", media == DH_VIDEO ? "vp8" : "opus", (long long)begun_us,
		(long long)begun_us);
	put(length, 2, (uint32_t)strlen(facts));
	err = write_all(mjr->file, FILE_HEAD, strlen(FILE_HEAD));
	if (!err)
		err = write_all(mjr->file, length, sizeof(length));
	return err ? err : write_all(mjr->file, facts, strlen(facts));
}

int dh_record_mjr_packet(struct dh_record_mjr *mjr, int64_t received_us, const uint8_t *rtp, size_t size)
{
	uint8_t head[10] = FRAME_HEAD;
	int64_t ms = (received_us - mjr->begun_us) / 1000;

	put(head + 4, 4, ms > 0 ? (uint32_t)ms : 0);
	put(head + 8, 2, (uint32_t)size);
	int err = write_all(mjr->file, head, sizeof(head));
	return err ? err : write_all(mjr->file, rtp, size);
}

int dh_record_mjr_close(struct dh_record_mjr *mjr)
{
	int err = mjr->file && fclose(mjr->file) ? -errno : 0;

	mjr->file = NULL;
	return err;
}
