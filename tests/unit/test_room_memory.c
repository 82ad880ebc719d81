/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a further viewer takes of memory, all that a room allocates for it as it was asked for. The plugin's session
 * of its handle takes 104 bytes more; what Janus keeps of it is not here. */
#include "tests/support/room_rig.h"

#define FIRST      20 /* arrays have grown for these */
#define MOST_BYTES 4096

/* Of AddressSanitizer's allocator. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
	room_rig_flush();
	return __sanitizer_get_current_allocated_bytes();
}

static void join(int from, int to)
{
	for (int i = from; i < to; i++) {
		room_rig_join(i, DH_MEMBER_VIEWER);
		room_rig_connect(i);
	}
}

static void test_viewers(void)
{
	if (!__sanitizer_get_current_allocated_bytes)
		CHECK_SKIP("built without AddressSanitizer");
	room_rig_open(60000);
	join(0, FIRST);
	size_t before = allocated();
	join(FIRST, ROOM_RIG_MEMBERS);
	size_t each = (allocated() - before) / (ROOM_RIG_MEMBERS - FIRST);
	printf("%zu bytes for each viewer\n", each);
	CHECK(each > 500 && each <= MOST_BYTES, "%zu", each);
	room_rig_close();
}

static const struct check_test tests[] = {
	TEST(test_viewers),
};

int main(int argc, char **argv)
{
	return find_programs(argv[0]) ? 2 : CHECK_MAIN(argc, argv, tests);
}
