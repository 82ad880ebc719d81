/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repair.h"

/* Sequence numbers wrap. */
static bool is_after(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b) > 0;
}

static bool may_be_lost(const struct dh_repair_base *base, const struct dh_repair_report *report)
{
	return is_after(base->last, report->since) && !is_after(base->first, report->highest);
}

void dh_repair_note(struct dh_repair *repair, const struct dh_repair_base *base)
{
	if (base->is_anchor) {
		repair->sent = 0;
		repair->is_rewound = repair->wants_anchor = false;
	}
	repair->bases[repair->sent++ % DH_REPAIR_BASES] = *base;
}

/* The oldest counts: what comes behind it is referred to in vain. */
static void find_lost(struct dh_repair *repair, const struct dh_repair_report *report)
{
	unsigned kept = repair->sent < DH_REPAIR_BASES ? repair->sent : DH_REPAIR_BASES;

	for (unsigned i = repair->sent - kept; i != repair->sent; i++) {
		const struct dh_repair_base *base = &repair->bases[i % DH_REPAIR_BASES];
		if (!may_be_lost(base, report))
			continue;
		if (!repair->is_rewound) /* an entry refers to the anchor, whether it came or will be sent again */
			repair->tl0picidx = (uint8_t)(base->tl0picidx + base->is_anchor);
		repair->is_rewound = true;
		if (base->is_wanted && !repair->wants_anchor) {
			repair->wants_anchor = true;
			repair->intact = repair->lost;
		}
	}
}

void dh_repair_hear(struct dh_repair *repair, const struct dh_repair_report *report)
{
	if (report->lost > repair->lost)
		find_lost(repair, report);
	else if (report->lost <= repair->intact) /* it came late */
		repair->wants_anchor = false;
	repair->lost = report->lost;
}

bool dh_repair_rewind(struct dh_repair *repair, uint8_t *tl0picidx)
{
	if (!repair->is_rewound)
		return false;
	repair->is_rewound = false;
	*tl0picidx = repair->tl0picidx;
	return true;
}
