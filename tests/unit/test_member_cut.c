/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Once a viewer is cut no packet of its is on its way to the gateway. */
#include "tests/support/check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "rooms/member.h"

static atomic_int relayed, is_inside, is_released;
static atomic_int is_cut; /* and one more for each packet that had been relayed by then */

static void *handle_ref(void *handle)
{
	return handle;
}

static void handle_unref(void *handle)
{
	(void)handle;
}

static void gone(struct dh_member *member)
{
	(void)member;
}

static void relay(void *handle, enum dh_media media, int mindex, const uint8_t *rtp, size_t size,
	const struct dh_extensions *extensions)
{
	(void)handle;
	(void)media;
	(void)mindex;
	(void)rtp;
	(void)size;
	(void)extensions;
	atomic_store(&is_inside, 1);
	while (!atomic_load(&is_released))
		usleep(1000);
	atomic_fetch_add(&relayed, 1);
}

static const struct dh_host host = { .handle_ref = handle_ref, .handle_unref = handle_unref, .relay = relay };

static void *relay_one(void *member)
{
	static const uint8_t rtp[20] = { 0x80, 111, 0, 1 };

	dh_member_relay(member, DH_AUDIO, rtp, sizeof(rtp));
	return NULL;
}

static void *cut(void *member)
{
	dh_member_cut(member);
	atomic_store(&is_cut, 1 + atomic_load(&relayed));
	return NULL;
}

static void test_it_waits_for_a_packet(void)
{
	struct dh_member *member = dh_member_new(&host, NULL, DH_MEMBER_VIEWER, NULL, gone);
	pthread_t room, client;

	CHECK_INT(pthread_create(&room, NULL, relay_one, member), 0);
	while (!atomic_load(&is_inside))
		usleep(1000);
	CHECK_INT(pthread_create(&client, NULL, cut, member), 0);
	usleep(50000);
	CHECK_INT(atomic_load(&is_cut), 0);
	atomic_store(&is_released, 1);
	pthread_join(client, NULL);
	pthread_join(room, NULL);
	CHECK_INT(atomic_load(&is_cut), 2); /* after the packet */
	relay_one(member);
	CHECK_INT(atomic_load(&relayed), 1);
	dh_member_unref(&member);
}

static const struct check_test tests[] = {
	TEST(test_it_waits_for_a_packet),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
