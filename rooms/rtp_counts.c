/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rtp_counts.h"

void dh_rtp_stream_counts_add(struct dh_rtp_stream_counts *sum, const struct dh_rtp_stream_counts *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
	sum->octets += more->octets;
	sum->dropped += more->dropped;
	sum->unreachable += more->unreachable;
	sum->refused += more->refused;
	sum->requests += more->requests;
}
