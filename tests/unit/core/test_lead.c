/* What a lead remembers of its events. */
#include "fixture.h"

#include <stdio.h>

/* A lead that takes events, without a scorer. */
struct memory {
    struct model *model;
    struct lead_tools *tools;
    struct lead lead;
    struct cond_counts counts;
};

static struct memory begin(void) {
    struct memory m = {.model = fixture_model()};
    m.tools = lead_tools_new(m.model);
    lead_init(&m.lead, &lead_heap, bytes_of("l-1"), m.model);
    return m;
}

static void end(struct memory *m) {
    struct err e;
    ck_assert_msg(lead_memory_check(lead_memory(&m->lead), m->model, &e), "%s", e.words);
    lead_fini(&m->lead);
    lead_tools_free(&m->tools);
    model_free(&m->model);
}

static struct lead_taken take(struct memory *m, struct event event) {
    return lead_take(&m->lead, m->tools, &event, &m->counts);
}

static bool knows(const struct memory *m, const char *id) {
    return lead_knows_id(&m->lead, event_hash(bytes_of(id)));
}

static struct bytes attr(const struct memory *m, const char *name) {
    static struct bytes texts[MODEL_MAX_ATTRS];
    lead_profile(&m->lead, m->model, texts);
    return texts[model_attr(m->model, bytes_of(name))];
}

static void write(struct memory *m, const char *type, int64_t time, const char *name, const char *value) {
    struct event_field field;
    char id[16];
    snprintf(id, sizeof id, "w%u", (unsigned)lead_events(&m->lead));
    take(m, fixture_with(fixture_event(type, id, time), &field, name, value));
}

START_TEST(nothing_is_remembered_of_a_new_lead) {
    struct memory m = begin();
    ck_assert(lead_memory(&m.lead).n == 0);
    ck_assert(lead_newest(&m.lead) == LEAD_NEVER && lead_events(&m.lead) == 0);
    ck_assert(!knows(&m, "e1"));
    end(&m);
}
END_TEST

START_TEST(every_event_counts_also_those_of_no_rule) {
    struct memory m = begin();
    take(&m, fixture_event("some.thing", "e1", FIXTURE_START + 5));
    take(&m, fixture_event("email.opened", "e2", FIXTURE_START));
    ck_assert(lead_newest(&m.lead) == FIXTURE_START + 5);
    ck_assert_uint_eq(lead_events(&m.lead), 2);
    end(&m);
}
END_TEST

START_TEST(the_greatest_ids_are_kept) {
    struct memory m = begin();
    for (int i = 0; i < 5; i++) {
        char id[2] = {(char)('a' + i), 0};
        ck_assert(!take(&m, fixture_event("x", id, FIXTURE_START + i)).below_ids);
    }
    ck_assert(!knows(&m, "a") && knows(&m, "b") && knows(&m, "e"));
    ck_assert(take(&m, fixture_event("x", "old", FIXTURE_START)).below_ids);
    ck_assert(!knows(&m, "old") && knows(&m, "b"));
    ck_assert(!take(&m, fixture_event("x", "mid", FIXTURE_START + 2)).below_ids);
    ck_assert(knows(&m, "mid") && !knows(&m, "b"));
    ck_assert_uint_eq(lead_events(&m.lead), 7);
    end(&m);
}
END_TEST

START_TEST(a_bucket_is_a_half_life_wide) {
    struct memory m = begin();
    take(&m, fixture_event("email.opened", "e1", FIXTURE_START));
    size_t one = lead_memory(&m.lead).n;
    take(&m, fixture_event("email.opened", "e2", FIXTURE_START + WHEN_DAY - 1));
    ck_assert_uint_eq(lead_memory(&m.lead).n, one + 14); /* an id only */
    take(&m, fixture_event("email.opened", "e3", FIXTURE_START + WHEN_DAY));
    ck_assert_uint_eq(lead_memory(&m.lead).n, one + 2 * 14 + 12);
    end(&m);
}
END_TEST

START_TEST(what_can_no_longer_count_is_dropped) {
    struct memory m = begin(), other = begin();
    struct event_field field;
    take(&m, fixture_event("email.opened", "e1", FIXTURE_START));
    take(&m, fixture_event("email.clicked", "e2", FIXTURE_START));
    take(&m, fixture_with(fixture_event("email.replied", "e3", FIXTURE_START), &field, "campaign", "a"));
    size_t all = lead_memory(&m.lead).n;
    take(&m, fixture_event("x", "e4", FIXTURE_START + 32 * WHEN_DAY));
    ck_assert_uint_eq(lead_memory(&m.lead).n, all + 14); /* at 32 half-lives it still counts */
    for (int i = 5; i <= 8; i++) {
        char id[3] = {'e', (char)('0' + i), 0};
        take(&m, fixture_event("x", id, FIXTURE_START + 33 * WHEN_DAY + i));
        take(&other, fixture_event("x", id, FIXTURE_START + 33 * WHEN_DAY + i));
    }
    ck_assert_uint_eq(lead_memory(&m.lead).n, lead_memory(&other.lead).n); /* the window went last, at its end */
    take(&m, fixture_event("email.opened", "late", FIXTURE_START));
    ck_assert_uint_eq(lead_memory(&m.lead).n, lead_memory(&other.lead).n);
    end(&m);
    end(&other);
}
END_TEST

START_TEST(a_window_keeps_one_entry) {
    struct memory m = begin();
    take(&m, fixture_event("email.clicked", "e1", FIXTURE_START));
    size_t one = lead_memory(&m.lead).n;
    take(&m, fixture_event("email.clicked", "e2", FIXTURE_START + WHEN_DAY - 1));
    ck_assert_uint_eq(lead_memory(&m.lead).n, one + 14);
    take(&m, fixture_event("email.clicked", "e3", FIXTURE_START + WHEN_DAY));
    ck_assert_uint_eq(lead_memory(&m.lead).n, one + 3 * 14);
    end(&m);
}
END_TEST

START_TEST(a_value_is_kept_once_and_at_most_128_are) {
    struct memory m = begin();
    struct event_field field;
    char text[8];
    take(&m, fixture_with(fixture_event("email.replied", "e", FIXTURE_START), &field, "campaign", ""));
    size_t none = lead_memory(&m.lead).n;
    for (int i = 0; i < 200; i++) {
        snprintf(text, sizeof text, "c%d", i % 100);
        take(&m, fixture_with(fixture_event("email.replied", "e", FIXTURE_START + i), &field, "campaign", text));
    }
    ck_assert_uint_eq(lead_memory(&m.lead).n, none + 3 * 14 + 8 + 100 * 14);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "d%d", i);
        take(&m, fixture_with(fixture_event("email.replied", "e", FIXTURE_START + i), &field, "campaign", text));
    }
    ck_assert_uint_eq(lead_memory(&m.lead).n, none + 3 * 14 + 8 + MODEL_MAX_VALUES * 14);
    end(&m);
}
END_TEST

START_TEST(the_newest_text_of_an_attribute_wins_and_the_greater_at_one_time) {
    struct memory m = begin();
    write(&m, "form.submitted", FIXTURE_START + 10, "title", "b");
    write(&m, "form.submitted", FIXTURE_START + 5, "title", "older");
    ck_assert_bytes_eq(attr(&m, "title"), "b");
    write(&m, "form.submitted", FIXTURE_START + 10, "title", "a");
    ck_assert_bytes_eq(attr(&m, "title"), "b");
    write(&m, "privacy.consent_changed", FIXTURE_START + 10, "title", "bb");
    ck_assert_bytes_eq(attr(&m, "title"), "bb");
    write(&m, "form.submitted", FIXTURE_START + 20, "phone", "not kept");
    write(&m, "email.opened", FIXTURE_START + 20, "title", "not a form");
    ck_assert_bytes_eq(attr(&m, "title"), "bb");
    end(&m);
}
END_TEST

START_TEST(only_a_crm_update_clears_and_what_is_cleared_stays_so) {
    struct memory m = begin();
    write(&m, "form.submitted", FIXTURE_START, "title", "a");
    write(&m, "form.submitted", FIXTURE_START + 1, "title", "");
    ck_assert_bytes_eq(attr(&m, "title"), "a");
    write(&m, "crm.profile_updated", FIXTURE_START + 2, "title", "");
    ck_assert_bytes_eq(attr(&m, "title"), "");
    write(&m, "form.submitted", FIXTURE_START + 1, "title", "late");
    ck_assert_bytes_eq(attr(&m, "title"), "");
    write(&m, "form.submitted", FIXTURE_START + 2, "title", "same time");
    ck_assert_bytes_eq(attr(&m, "title"), "same time");
    end(&m);
}
END_TEST

START_TEST(a_machine_counts_for_no_rule_and_writes_no_profile) {
    struct memory m = begin();
    struct event_field field;
    struct event form = fixture_with(fixture_event("form.submitted", "e1", FIXTURE_START), &field, "title", "x");
    struct event opened = fixture_event("email.opened", "e2", FIXTURE_START);
    form.machine = opened.machine = true;
    ck_assert(!take(&m, form).wrote_profile);
    take(&m, opened);
    ck_assert_bytes_eq(attr(&m, "title"), "");
    ck_assert_uint_eq(lead_memory(&m.lead).n, 26 + 2 * 14);
    ck_assert_uint_eq(lead_events(&m.lead), 2);
    end(&m);
}
END_TEST

START_TEST(a_forgotten_lead_is_as_new_but_for_its_erasure) {
    struct memory m = begin();
    take(&m, fixture_event("email.opened", "e1", FIXTURE_START));
    m.lead.d.t = m.lead.d.due = FIXTURE_START;
    lead_forget(&m.lead, m.model, FIXTURE_START + 1);
    ck_assert(lead_memory(&m.lead).n == 0 && m.lead.memory == NULL);
    ck_assert(m.lead.d.t == LEAD_NEVER && m.lead.d.due == LEAD_NO_DUE && m.lead.d.armed && !m.lead.d.published);
    ck_assert(m.lead.d.erased == FIXTURE_START + 1);
    end(&m);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, nothing_is_remembered_of_a_new_lead);
    tcase_add_test(all, every_event_counts_also_those_of_no_rule);
    tcase_add_test(all, the_greatest_ids_are_kept);
    tcase_add_test(all, a_bucket_is_a_half_life_wide);
    tcase_add_test(all, what_can_no_longer_count_is_dropped);
    tcase_add_test(all, a_window_keeps_one_entry);
    tcase_add_test(all, a_value_is_kept_once_and_at_most_128_are);
    tcase_add_test(all, the_newest_text_of_an_attribute_wins_and_the_greater_at_one_time);
    tcase_add_test(all, only_a_crm_update_clears_and_what_is_cleared_stays_so);
    tcase_add_test(all, a_machine_counts_for_no_rule_and_writes_no_profile);
    tcase_add_test(all, a_forgotten_lead_is_as_new_but_for_its_erasure);
}

SUITE_MAIN("lead", add)
