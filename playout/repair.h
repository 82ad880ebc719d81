/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer's receiver reports say of the entries that it was sent, and what is done about it.
 *
 * A browser goes by TL0PICIDX: it shows an entry only if it has had the entry before it (continuity.h). It asks for
 * what is missing, and waits; after three seconds it asks for a key frame. Its reports, which come with each of its
 * requests, say much sooner that packets were lost. If they may have been an entry's, the next entry takes that one's
 * index. So it refers to the last one that has surely come, and is shown, at no cost; a browser to which the other one
 * has come after all shows it just as well. An anchor has to be sent again.
 *
 * Pure; belongs to its viewer.
 */
#ifndef DH_REPAIR_H
#define DH_REPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many are kept; at two a second, of four seconds. */
#define DH_REPAIR_BASES 8

/* A picture of layer 0: an anchor or an entry. */
struct dh_repair_base {
	uint16_t first, last; /* sequence numbers of its packets */
	uint8_t tl0picidx;
	bool is_anchor;
	bool is_wanted; /* an anchor that has to be sent again if it is lost */
};

/* What the last report says. */
struct dh_repair_report {
	int32_t lost;     /* packets, since the connection began; negative if more came than were sent */
	uint16_t since;   /* the highest sequence number that had come when fewer or more were lost, … */
	uint16_t highest; /* … and by now */
};

/* Zeroed: nothing has been sent. */
struct dh_repair {
	struct dh_repair_base bases[DH_REPAIR_BASES]; /* a ring */
	unsigned sent;                                /* how many have been noted */
	int32_t lost;                                 /* in the last report */
	int32_t intact;                               /* before the loss for which an anchor is wanted */
	bool wants_anchor;                            /* the next entry is to be preceded by it */
	bool is_rewound;                              /* the next entry takes this index */
	uint8_t tl0picidx;
};

/* It is being sent. An anchor makes up for all that was lost before. */
void dh_repair_note(struct dh_repair *repair, const struct dh_repair_base *base);
void dh_repair_hear(struct dh_repair *repair, const struct dh_repair_report *report);

/* Whether the next entry is to have another index; then sets it. Asks once. */
bool dh_repair_rewind(struct dh_repair *repair, uint8_t *tl0picidx);
#endif
