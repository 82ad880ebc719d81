/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose rights a confined process has: users and system calls are replaced, so that any user can run it. */
#include "tests/support/check.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "prepare/confine.h"

#define USER_ID  4711
#define GROUP_ID 4712

static struct {
	struct passwd *user; /* NULL: there is none, for this reason */
	int reason;
	const char *fails; /* the call that does */
	char calls[100];   /* those that succeeded, in order */
	bool is_root;
} host;

static int call(const char *name, bool is_as_wanted)
{
	CHECK(is_as_wanted);
	if (host.fails && strcmp(host.fails, name) == 0) {
		errno = EPERM;
		return -1;
	}
	strncat(host.calls, name, sizeof host.calls - strlen(host.calls) - 1);
	return 0;
}

uid_t __wrap_geteuid(void);
struct passwd *__wrap_getpwnam(const char *name);
int __wrap_setgroups(size_t count, const gid_t *list);
int __wrap_setresgid(gid_t real, gid_t effective, gid_t saved);
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved);
int __wrap_setuid(uid_t user);

uid_t __wrap_geteuid(void)
{
	return host.is_root ? 0 : USER_ID;
}

struct passwd *__wrap_getpwnam(const char *name)
{
	CHECK_STR(name, "somebody");
	errno = host.reason;
	return host.user;
}

int __wrap_setgroups(size_t count, const gid_t *list)
{
	return call(" groups", count == 0 && !list);
}

int __wrap_setresgid(gid_t real, gid_t effective, gid_t saved)
{
	return call(" group", real == GROUP_ID && effective == GROUP_ID && saved == GROUP_ID);
}

int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved)
{
	return call(" user", real == USER_ID && effective == USER_ID && saved == USER_ID);
}

/* Root is never had back. */
int __wrap_setuid(uid_t user)
{
	CHECK_INT(user, 0);
	return -1;
}

static struct passwd somebody = { .pw_uid = USER_ID, .pw_gid = GROUP_ID };
static struct passwd in_roots_group = { .pw_uid = USER_ID, .pw_gid = 0 };
static struct passwd root = { .pw_uid = 0, .pw_gid = 0 };

static const struct drop {
	const char *name;
	struct passwd *user;
	int reason;
	const char *fails, *calls; /* calls are those that succeeded */
	int err;
	const char *what; /* that is said of the failure */
} drops[] = {
	{ "groups go first", &somebody, 0, NULL, " groups group user", 0, "" },
	{ "root stays what it is", &root, 0, NULL, "", 0, "" },
	{ "no such user", NULL, 0, NULL, "", -ENOENT, "no such user" },
	{ "a user who cannot be looked up", NULL, EIO, NULL, "", -EIO, "no such user" },
	{ "root's group is not kept", &in_roots_group, 0, NULL, "", -EPERM, "the user's group is root's" },
	{ "nor root's other groups", &somebody, 0, " groups", "", -EPERM, "the user cannot be dropped" },
	{ "nor where the group cannot be set", &somebody, 0, " group", " groups", -EPERM,
		"the user cannot be dropped" },
	{ "nor the user", &somebody, 0, " user", " groups group", -EPERM, "the user cannot be dropped" },
};

static void test_drops_root(const void *arg)
{
	const struct drop *row = arg;
	const struct dh_confine confine = { .user = "somebody" };
	const char *what = NULL;

	memset(&host, 0, sizeof host);
	host.user = row->user;
	host.reason = row->reason;
	host.fails = row->fails;
	host.is_root = true;
	CHECK_INT(dh_confine(&confine, &what), row->err);
	CHECK_STR(what, row->what);
	CHECK_STR(host.calls, row->calls);
}

/* Nobody else can become another user, nor needs to. */
static void test_others_stay_who_they_are(void)
{
	const struct dh_confine confine = { .user = "somebody" };
	const char *what = NULL;

	memset(&host, 0, sizeof host);
	host.user = &in_roots_group;
	CHECK_INT(dh_confine(&confine, &what), 0);
	CHECK_STR(host.calls, "");
}

static const struct check_test tests[] = {
	TABLE(test_drops_root, drops),
	TEST(test_others_stay_who_they_are),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
