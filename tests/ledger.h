/* What event handlers hear of segments, held against what docs/api.md promises:
 * each is queued, then starts or does not, and ends exactly once; nothing is
 * heard of it before and after. Segments are told apart by their ids and their
 * rooms': an id may come again behind its end.
 */
#ifndef DH_LEDGER_H
#define DH_LEDGER_H

#include <jansson.h>

struct ledger;

struct ledger *ledger_new(void);
void ledger_free(struct ledger **ledger);

/* An event; for struct gateway_options. Any thread. */
void ledger_see(void *ledger, const json_t *event);

/* How many segments there were; how many of them have not ended. */
int ledger_count(struct ledger *ledger);
int ledger_open(struct ledger *ledger);

/* The first promise that was broken, NULL: none. Lives as long as the ledger. */
const char *ledger_error(struct ledger *ledger);

#endif
