/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One sender's SRTP (RFC 3711) with a key as in SDES (RFC 4568); the only user of libsrtp.
 *
 * One thread at a time.
 */
#ifndef DH_SRTP_H
#define DH_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What libsrtp may write behind a packet. */
#define DH_SRTP_TRAILER 160

struct dh_srtp;

/* `suite` 32 or 80: AES_CM_128_HMAC_SHA1 with so many bits of authentication; RTCP has 80. `crypto`: 30 bytes in
 * base64, key and salt. -EINVAL: no such suite; -EKEYREJECTED: no such key; -EIO: libsrtp does not work. */
int dh_srtp_alloc(struct dh_srtp **srtp, int suite, const char *crypto);
void dh_srtp_free(struct dh_srtp **srtp);

/* In place; there is space for DH_SRTP_TRAILER more bytes behind the packet. False: it cannot be sent. */
bool dh_srtp_protect(struct dh_srtp *srtp, uint8_t *rtp, size_t *size);
bool dh_srtp_protect_rtcp(struct dh_srtp *srtp, uint8_t *rtcp, size_t *size);
/* Nothing is sent with that SSRC any more. */
void dh_srtp_forget(struct dh_srtp *srtp, uint32_t ssrc);
/* In place, with the same key. False: it is not authentic; what is in `rtcp` then is of no use. */
bool dh_srtp_unprotect_rtcp(struct dh_srtp *srtp, uint8_t *rtcp, size_t *size);

#endif
