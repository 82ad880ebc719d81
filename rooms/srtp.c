/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "srtp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <glib.h>
#include <srtp2/srtp.h>

G_STATIC_ASSERT(DH_SRTP_TRAILER >= SRTP_MAX_TRAILER_LEN + 4); /* and the index of SRTCP */

#define KEY_SIZE 30

struct dh_srtp {
	srtp_t out, in;
};

/* The gateway uses libsrtp, too, and has begun by then; where there is none, nobody has. Beginning again would test
 * all ciphers while others use them. */
static srtp_err_status_t create(srtp_t *session, const srtp_policy_t *policy)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	srtp_err_status_t err = srtp_create(session, policy);
	if (err == srtp_err_status_init_fail && srtp_init() == srtp_err_status_ok)
		err = srtp_create(session, policy);
	pthread_mutex_unlock(&lock);
	return err;
}

static int begin(struct dh_srtp *srtp, int suite, uint8_t *key)
{
	srtp_policy_t policy;

	memset(&policy, 0, sizeof(policy));
	if (suite == 32)
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
	else
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtp);
	srtp_crypto_policy_set_aes_cm_128_hmac_sha1_80(&policy.rtcp);
	policy.key = key;
	policy.ssrc.type = ssrc_any_outbound;
	if (create(&srtp->out, &policy) != srtp_err_status_ok)
		return -EIO;
	policy.ssrc.type = ssrc_any_inbound;
	return create(&srtp->in, &policy) == srtp_err_status_ok ? 0 : -EIO;
}

int dh_srtp_alloc(struct dh_srtp **srtp, int suite, const char *crypto)
{
	gsize size = 0;

	if (suite != 32 && suite != 80)
		return -EINVAL;
	guchar *key = g_base64_decode(crypto, &size);
	struct dh_srtp *new = g_new0(struct dh_srtp, 1);
	int err = size == KEY_SIZE ? begin(new, suite, key) : -EKEYREJECTED;
	explicit_bzero(key, size);
	g_free(key);
	if (err)
		dh_srtp_free(&new);
	*srtp = new;
	return err;
}

void dh_srtp_free(struct dh_srtp **srtp)
{
	struct dh_srtp *old = *srtp;

	*srtp = NULL;
	if (!old)
		return;
	if (old->out)
		srtp_dealloc(old->out);
	if (old->in)
		srtp_dealloc(old->in);
	g_free(old);
}

bool dh_srtp_protect(struct dh_srtp *srtp, uint8_t *rtp, size_t *size)
{
	int length = (int)*size;
	bool is_done = srtp_protect(srtp->out, rtp, &length) == srtp_err_status_ok;

	*size = (size_t)length;
	return is_done;
}

void dh_srtp_forget(struct dh_srtp *srtp, uint32_t ssrc)
{
	srtp_remove_stream(srtp->out, htonl(ssrc));
}

bool dh_srtp_protect_rtcp(struct dh_srtp *srtp, uint8_t *rtcp, size_t *size)
{
	int length = (int)*size;
	bool is_done = srtp_protect_rtcp(srtp->out, rtcp, &length) == srtp_err_status_ok;

	*size = (size_t)length;
	return is_done;
}

bool dh_srtp_unprotect_rtcp(struct dh_srtp *srtp, uint8_t *rtcp, size_t *size)
{
	int length = (int)*size;
	bool is_done = srtp_unprotect_rtcp(srtp->in, rtcp, &length) == srtp_err_status_ok;

	*size = (size_t)length;
	return is_done;
}
