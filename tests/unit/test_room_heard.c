/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one viewer has heard, and what the event says that was heard, under a fake clock: a playout tells a room
 * that consists of what listens to it. Segments start at 120 ms and have an entry every 400 ms. */
#include "rooms/member.h"
#include "rooms/room_private.h"
#include "tests/support/playout_rig_check.h"

static struct dh_room room;
static struct dh_feed *feed;
static struct dh_account *account; /* a reference */

/* --- the rest of a room */

int __wrap_dh_room_call(struct dh_room *called, dh_room_call_fn *run, void *arg);

int __wrap_dh_room_call(struct dh_room *called, dh_room_call_fn *run, void *arg)
{
	return run(called, arg);
}

int64_t __wrap_dh_now_ticks(void);

int64_t __wrap_dh_now_ticks(void)
{
	return rig.now;
}

/* The playout's segments have no feeds. */
struct dh_account *__wrap_dh_room_account(const struct dh_room *asked, const struct dh_segment *segment);

struct dh_account *__wrap_dh_room_account(const struct dh_room *asked, const struct dh_segment *segment)
{
	(void)asked;
	(void)segment;
	return account;
}

void __wrap_dh_room_note_first_byte(struct dh_room *told, struct dh_account *of, const struct dh_feed *from);

void __wrap_dh_room_note_first_byte(struct dh_room *told, struct dh_account *of, const struct dh_feed *from)
{
	(void)told;
	(void)of;
	(void)from;
}

static void see(void *arg, const struct dh_playout_event *event)
{
	(void)arg;
	dh_room_screen_event(&room, event);
	if (!event->segment)
		return;
	dh_account_event(account, event, DH_DURATION_SPEECH, event->media_ticks / MS);
	if (event->type >= DH_EVENT_FINISHED && event->type <= DH_EVENT_FAILED)
		dh_ledger_close(room.ledger, feed);
}

static void poll_screen(void *arg, bool in_time)
{
	(void)arg;
	if (in_time)
		dh_room_screen_poll(&room);
}

static void is_gone(void *arg)
{
	(void)arg;
}

/* `words` NULL: it is not known when they sound. */
static void open_all(const char *text, const char *words)
{
	const struct dh_feed_context context = { 0 };
	const struct dh_feed_owner owner = { .name = "1", .gone = is_gone };
	json_t *times = words ? json_loads(words, 0, NULL) : NULL;
	struct dh_script *script = dh_script_new(text, times);
	struct dh_ingest_source source;
	struct dh_segment_request request;

	dh_ingest_source_init(&source);
	dh_segment_request_init(&request);
	rig_open_idle(&rig, NULL, start);
	memset(&room, 0, sizeof room);
	room.playout = rig.playout;
	room.ledger = dh_ledger_new();
	room.listeners = g_ptr_array_new();
	feed = dh_feed_new(&context, &owner, "a file", NULL, &source, NULL, NULL);
	account = dh_account_ref(dh_ledger_open(room.ledger, feed, "s", &request, script));
	rig.on_event = see;
	rig.on_slot = poll_screen;
	dh_script_unref(&script);
	json_decref(times);
}

static void close_all(void)
{
	finish_after(100);
	dh_room_screen_clear(&room);
	dh_account_unref(&account);
	dh_feed_unref(&feed);
	dh_ledger_free(&room.ledger);
	g_ptr_array_unref(room.listeners);
}

static void append_spans(GString *text, const json_t *segment)
{
	const json_t *span;
	size_t i;

	json_array_foreach(json_object_get(segment, "heard"), i, span) {
		const char *words = json_string_value(json_object_get(span, "text"));
		g_string_append_printf(text, "%d-%d@%d%s%s; ",
			(int)json_integer_value(json_object_get(span, "from_ms")),
			(int)json_integer_value(json_object_get(span, "to_ms")),
			(int)json_integer_value(json_object_get(span, "media_ms")), words ? " " : "",
			words ? words : "");
	}
}

/* What a viewer has heard that came at `from_ms`: "from-to@media words; …= heard_text". */
static void check_heard(int64_t from_ms, const char *expected)
{
	struct dh_member *member = g_new0(struct dh_member, 1);
	GString *text = g_string_new(NULL);
	json_t *reply = NULL;

	dh_gates_note(&member->gates, true, from_ms * MS);
	CHECK_INT(dh_room_heard(&room, member, 0, &reply), 0);
	const json_t *segments = json_object_get(reply, "segments");
	CHECK(json_array_size(segments) <= 1);
	append_spans(text, json_array_get(segments, 0));
	const char *whole = json_string_value(json_object_get(json_array_get(segments, 0), "heard_text"));
	g_string_append_printf(text, "= %s", whole ? whole : "?");
	CHECK_STR(text->str, expected);
	g_string_free(text, TRUE);
	json_decref(reply);
	g_array_unref(member->gates);
	g_free(member);
}

/* --- what was dropped: 500 ms are there, and the rest comes when a test says so */

#define FOUR_TEXT  "One two three four."
#define FOUR_WORDS "[[\"One\",0,400],[\"two\",500,900],[\"three\",1000,1400],[\"four\",1500,1900]]"

static const struct rig_segment late = { "s", 's', 'i', 2000, 25, 1, 5, 2000, 500 };

static void open_late(const char *words)
{
	const struct dh_order order = { .underrun = DH_UNDERRUN_SKIP };

	open_all(FOUR_TEXT, words);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, &late, &order, NULL), 0);
}

/* Nothing is sent from 620 to 1120 ms. */
static void open_with_gap(const char *words)
{
	open_late(words);
	rig_run(&rig, media_ms(1100));
	rig_arrive(&rig, &late, -1);
}

static void test_what_was_dropped(void)
{
	open_with_gap(FOUR_WORDS);
	rig_run(&rig, media_ms(6000));
	CHECK_INT(account->life.played_ticks, 1500 * MS);
	CHECK_STR(account->heard, FOUR_TEXT);
	check_heard(10, "0-500@120 One; 1000-2000@1120 three four.; = One … three four.");
	check_heard(900, "1000-2000@1120 three four.; = three four.");
	close_all();
}

static void test_an_interruption_behind_it(void)
{
	open_with_gap(FOUR_WORDS);
	rig_run(&rig, media_ms(1690));
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	CHECK_STR(account->heard, "One two three");
	check_heard(10, "0-500@120 One; 1000-1580@1120 three; = One … three");
	close_all();
}

/* So far. */
static void test_the_history_of_what_plays(void)
{
	open_with_gap(FOUR_WORDS);
	rig_run(&rig, media_ms(1690));
	json_t *reply = NULL;
	CHECK_INT(dh_room_progress(&room, "s", &reply), 0);
	CHECK_STR(json_string_value(json_object_get(reply, "heard_text")), "One two three");
	json_decref(reply);
	close_all();
}

/* It ends while it is waited for. */
static void test_all_of_the_rest_is_dropped(void)
{
	open_late(FOUR_WORDS);
	rig_run(&rig, media_ms(2500));
	rig_arrive(&rig, &late, -1);
	rig_run(&rig, media_ms(6000));
	CHECK_INT(account->life.state, DH_EVENT_FINISHED);
	CHECK_STR(account->heard, "One");
	check_heard(10, "0-500@120 One; = One");
	close_all();
}

static void test_a_hold_amid_a_gap(void)
{
	open_late(FOUR_WORDS);
	rig_run(&rig, media_ms(1505));
	CHECK_INT(dh_playout_hold(rig.playout, 0), 0);
	rig_run(&rig, media_ms(3000));
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	CHECK_STR(account->heard, "One");
	check_heard(10, "0-500@120 One; = One");
	close_all();
}

/* A text that was not heard without a break is not known without the times of its words. */
static void test_what_was_dropped_without_words(void)
{
	open_with_gap(NULL);
	rig_run(&rig, media_ms(6000));
	CHECK_STR(account->heard, FOUR_TEXT);
	check_heard(10, "0-500@120; 1000-2000@1120; = ?");
	close_all();
}

/* Time does not go on: nothing is dropped. */
static void test_a_wait(void)
{
	open_all(FOUR_TEXT, FOUR_WORDS);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, &late, &(struct dh_order){ .underrun = DH_UNDERRUN_HOLD }, NULL), 0);
	rig_run(&rig, media_ms(1100));
	check_heard(10, "0-500@120 One; = One");
	rig_arrive(&rig, &late, -1);
	rig_run(&rig, media_ms(1690));
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	CHECK_STR(account->heard, "One two");
	check_heard(10, "0-1080@120 One two; = One two");
	close_all();
}

/* --- holds */

#define THREE_TEXT  "One two three."
#define THREE_WORDS "[[\"One\",0,300],[\"two\",410,600],[\"three\",630,900]]"

static const struct rig_segment speech = SPEECH("s", 's');

/* Held in the slot at 820, 700 ms into the segment; goes on at 2020, in silence until `at_ms` (-1: with sound). */
static void hold_and_resume(const char *words, int repeat, int at_ms)
{
	open_all(THREE_TEXT, words);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, &speech, &(struct dh_order){ .repeat = repeat }, NULL), 0);
	rig_run(&rig, media_ms(805));
	CHECK_INT(dh_playout_hold(rig.playout, 0), 0);
	rig_run(&rig, media_ms(2005));
	CHECK_INT(dh_playout_resume(rig.playout, at_ms < 0 ? -1 : at_ms * MS), 0);
	rig_run(&rig, media_ms(6000));
	CHECK_INT(account->life.state, DH_EVENT_FINISHED);
}

static void test_all_in_two_parts(void)
{
	hold_and_resume(NULL, 1, -1);
	check_heard(10, "0-700@120; 400-1000@2020; = " THREE_TEXT);
	check_heard(1500, "400-1000@2020; = ?");
	check_heard(2500, "880-1000@2500; = ?");
	close_all();
}

/* Who came during the hold was sent silence up to the word. */
static void test_what_is_muted(void)
{
	hold_and_resume(THREE_WORDS, 1, 630);
	check_heard(1500, "620-1000@2240 three.; = three.");
	check_heard(10, "0-700@120 One two; 620-1000@2240 three.; = " THREE_TEXT);
	CHECK_STR(account->heard, THREE_TEXT);
	close_all();
}

static void test_what_is_muted_once(void)
{
	hold_and_resume(THREE_WORDS, 2, 630);
	check_heard(1500, "620-1000@2240 three.; 0-1000@2620 " THREE_TEXT "; = " THREE_TEXT);
	close_all();
}

/* It ends before it is heard again. */
static void test_an_end_in_silence(void)
{
	open_all(THREE_TEXT, THREE_WORDS);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, &speech, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(805));
	CHECK_INT(dh_playout_hold(rig.playout, 0), 0);
	rig_run(&rig, media_ms(2005));
	CHECK_INT(dh_playout_resume(rig.playout, 630 * MS), 0);
	rig_run(&rig, media_ms(2105));
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	check_heard(1500, "= ?");
	check_heard(10, "0-700@120 One two; = One two");
	CHECK_STR(account->heard, "One two");
	close_all();
}

/* The room's thread gets no processor while the last words are due: they are not sent. */
static void test_a_stall_at_the_end(void)
{
	open_all(THREE_TEXT, THREE_WORDS);
	rig_join(&rig, NULL);
	rig_run(&rig, media_ms(100));
	CHECK_INT(rig_order(&rig, &speech, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(605));
	rig.now = media_ms(4005);
	dh_playout_poll(rig.playout, rig.now);
	rig_run(&rig, media_ms(6000));
	CHECK_INT(account->life.state, DH_EVENT_FINISHED);
	CHECK_STR(account->heard, "One");
	check_heard(10, "0-500@120 One; = One");
	close_all();
}

/* Nobody watches, and the room is woken only to end it. */
static void test_a_long_hold(void)
{
	open_all(THREE_TEXT, THREE_WORDS);
	CHECK_INT(rig_order(&rig, &speech, &(struct dh_order){ 0 }, NULL), 0);
	rig_run(&rig, media_ms(805));
	dh_playout_poll(rig.playout, rig.now);
	CHECK_INT(dh_playout_hold(rig.playout, 0), 0);
	rig_run(&rig, media_ms(60005));
	dh_playout_poll(rig.playout, rig.now);
	CHECK_INT(dh_playout_interrupt(rig.playout), 1);
	CHECK_STR(account->heard, "One two");
	close_all();
}

static const struct check_test tests[] = {
	TEST(test_what_was_dropped),
	TEST(test_an_interruption_behind_it),
	TEST(test_the_history_of_what_plays),
	TEST(test_all_of_the_rest_is_dropped),
	TEST(test_a_hold_amid_a_gap),
	TEST(test_what_was_dropped_without_words),
	TEST(test_a_wait),
	TEST(test_all_in_two_parts),
	TEST(test_what_is_muted),
	TEST(test_what_is_muted_once),
	TEST(test_an_end_in_silence),
	TEST(test_a_stall_at_the_end),
	TEST(test_a_long_hold),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
