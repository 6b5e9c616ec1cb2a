/* The language of conditions, as a table: a condition as a model file has it, what is asked about, the answer. */
#include "codec/model_yaml.h"
#include "support/suite.h"

#include <stdio.h>

enum { MOST_FIELDS = 8 };

/* Of texts like "url=..;title=..". */
static struct bytes text_of(const char *texts, struct bytes name) {
    while (*texts) {
        size_t n = strcspn(texts, ";");
        size_t equals = strcspn(texts, "=");
        if (equals == name.n && !memcmp(texts, name.at, equals))
            return (struct bytes){(const uint8_t *)texts + equals + 1, n - equals - 1};
        texts += n + (texts[n] == ';');
    }
    return (struct bytes){NULL, 0};
}

static struct model *compile(const char *head, const char *when, const char *tail) {
    char text[4096];
    snprintf(text, sizeof text, "model: m\nversion: 1\n%s%s%s\n", head, when, tail);
    struct problems problems = {0};
    struct model *model = model_yaml_compile(bytes_of(text), "test.yaml", &problems);
    ck_assert_msg(model != NULL, "%s\n%s", text, problems.n ? problems.list[0].words : "");
    problems_fini(&problems);
    return model;
}

static const struct {
    const char *when, *texts;
    bool holds;
} events[] = {
    /* a bare value means equals, ASCII case ignored */
    {"{url: /Pricing}", "url=/pRICING", true},
    {"{url: /pricing}", "url=/pricing/", false},
    {"{url: /pricing}", "", false},
    {"{title: '\xc3\x89'}", "title=\xc3\xa9", false}, /* of ASCII only */
    {"{title: '\xc3\xa9'}", "title=\xc3\xa9", true},
    /* all of a map must hold */
    {"{url: a, title: b}", "url=a;title=b", true},
    {"{url: a, title: b}", "url=a;title=c", false},
    {"{}", "", true},
    {"{url: {}}", "", true},
    {"{url: {contains: a, not: {contains: b}}}", "url=xaz", true},
    {"{url: {contains: a, not: {contains: b}}}", "url=xab", false},
    /* tests */
    {"{url: {is: a}}", "url=A", true},
    {"{url: {in: [b, A]}}", "url=a", true},
    {"{url: {in: [b, A]}}", "url=c", false},
    {"{url: {in: [a]}}", "", false},
    {"{url: {contains: /pricing}}", "url=https://x/PRICING?a", true},
    {"{url: {contains: /pricing}}", "url=https://x/pricin", false},
    {"{url: {starts_with: HTTP}}", "url=https://x", true},
    {"{url: {starts_with: ttps}}", "url=https://x", false},
    {"{url: {ends_with: .EDU}}", "url=a@mit.edu", true},
    {"{url: {ends_with: .edu}}", "url=.edu.de", false},
    {"{url: {contains: ''}}", "url=x", true},
    {"{url: {contains: ''}}", "", false},
    {"{url: {is: ''}}", "", false},
    {"{url: {matches: '^/p'}}", "url=/pricing", true},
    {"{url: {matches: '^/P'}}", "url=/pricing", false},
    {"{url: {matches: '(?i)^/P'}}", "url=/pricing", true},
    {"{url: {matches: ''}}", "url=x", true},
    {"{url: {matches: ''}}", "", false},
    /* numbers, exactly */
    {"{amount: {at_least: 5}}", "amount=5", true},
    {"{amount: {at_least: 5}}", "amount=4.9999999999999999999999", false},
    {"{amount: {above: 5}}", "amount=5.0000000000000000000001", true},
    {"{amount: {above: 5}}", "amount=+5.0", false},
    {"{amount: {at_most: -5}}", "amount=-5", true},
    {"{amount: {at_most: -5}}", "amount=-4.99", false},
    {"{amount: {below: 0.01}}", "amount=0", true},
    {"{amount: {below: 0.01}}", "amount=0.01", false},
    {"{amount: {at_least: 0}}", "amount=-0", true},
    {"{amount: {at_least: 0}}", "amount=five", false},
    {"{amount: {at_least: 0}}", "amount=5 ", false},
    {"{amount: {at_least: 0}}", "amount=1e3", false},
    {"{amount: {at_least: 0}}", "", false},
    {"{amount: {at_least: '007.50'}}", "amount=7.5", true},
    {"{amount: {at_least: 1, below: 10}}", "amount=10", false},
    {"{amount: {at_most: 999999999999999.99}}", "amount=999999999999999.99", true},
    {"{amount: 250.0}", "amount=250", false}, /* a value is its text as it stands */
    /* absence */
    {"{url: {exists: true}}", "url=x", true},
    {"{url: {exists: true}}", "", false},
    {"{url: {exists: false}}", "", true},
    {"{url: {exists: 'false'}}", "url=x", false},
    {"{url: {not: x}}", "", true},
    {"{url: {not: {in: [x]}}}", "", true},
    {"{url: {not: {exists: false}}}", "", false},
    {"{amount: {not: {at_least: 5}}}", "amount=five", true}, /* plain negation */
    {"{url: {not: {not: x}}}", "url=x", true},
    {"{url: {not: {}}}", "url=x", false},
    /* any, all, not */
    {"{any: [{url: a}, {title: b}]}", "title=b", true},
    {"{any: [{url: a}, {title: b}]}", "title=c", false},
    {"{all: [{url: a}, {title: b}]}", "url=a", false},
    {"{all: [{url: a}, {url: {not: b}}]}", "url=a", true},
    {"{not: {url: a, title: b}}", "url=a", true},
    {"{not: {url: a}}", "url=a", false},
    {"{not: {}}", "", false},
    {"{not: {any: [{url: a}, {all: [{title: b}, {not: {amount: 1}}]}]}}", "title=b;amount=1", true},
    {"{not: {any: [{url: a}, {all: [{title: b}, {not: {amount: 1}}]}]}}", "title=b;amount=2", false},
    {"{url: a, any: [{title: b}, {title: c}], not: {amount: 1}}", "url=a;title=c", true},
    {"{url: a, any: [{title: b}, {title: c}], not: {amount: 1}}", "url=a;title=c;amount=1", false},
    /* names: only any, all, not are reserved here, and field.NAME is the field NAME */
    {"{total: 5}", "total=5", true},
    {"{field.total: 5}", "total=5", true},
    {"{field.any: 5}", "any=5", true},
    {"{field.field.x: 5}", "field.x=5", true},
    {"{field.url: 5}", "url=5", true},
};

START_TEST(conditions_on_events) {
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct model *model =
            compile("engagement: {half_life: 1d, groups: {g: {rules: [{id: r, on: t, points: 1, when: ", events[i].when,
                    "}]}}}");
        struct bytes texts[MOST_FIELDS];
        ck_assert_uint_le(model->n_fields, MOST_FIELDS);
        for (uint16_t j = 0; j < model->n_fields; j++)
            texts[j] = text_of(events[i].texts, model->fields[j]);
        struct cond_counts counts = {0};
        bool holds = cond_holds(model, model->rules[0].cond, &(struct cond_subject){.texts = texts}, &counts);
        ck_assert_msg(holds == events[i].holds, "%s of \"%s\"", events[i].when, events[i].texts);
        model_free(&model);
    }
}
END_TEST

/* A lead: stage cold, warm, hot; total 50, engagement 30.01, fit -5; groups a 1, b 2; the grade as given. */
static const struct {
    const char *when;
    int stage;
    const char *grade;
    bool holds;
} leads[] = {
    {"{stage: warm}", 1, "B2", true},
    {"{stage: {is: hot}}", 1, "B2", false},
    {"{stage: {in: [cold, hot]}}", 2, "B2", true},
    {"{stage: {not: warm}}", 2, "B2", true},
    {"{stage: {not: {in: [warm, hot]}}}", 2, "B2", false},
    {"{stage: {at_least: warm}}", 1, "B2", true},
    {"{stage: {at_least: warm}}", 0, "B2", false},
    {"{stage: {above: warm}}", 1, "B2", false},
    {"{stage: {above: warm}}", 2, "B2", true},
    {"{stage: {at_most: warm}}", 1, "B2", true},
    {"{stage: {at_most: warm}}", 2, "B2", false},
    {"{stage: {below: warm}}", 0, "B2", true},
    {"{stage: {below: warm}}", 1, "B2", false},
    {"{stage: {not: {below: warm}}}", 1, "B2", true},
    {"{stage: {above: cold, below: hot}}", 1, "B2", true},
    {"{grade: A1}", 0, "A1", true},
    {"{grade: {in: [A1, D4]}}", 0, "D4", true},
    {"{grade: {in: [A1, D4]}}", 0, "A2", false},
    {"{grade: {not: D4}}", 0, "C4", true},
    {"{total: {at_least: 50}}", 0, "D4", true},
    {"{total: {above: 50}}", 0, "D4", false},
    {"{total: {at_most: 50, above: 49.99}}", 0, "D4", true},
    {"{engagement: {below: 30.01}}", 0, "D4", false},
    {"{engagement: {below: 30.02}}", 0, "D4", true},
    {"{fit: {at_least: -5}}", 0, "D4", true},
    {"{fit: {not: {below: 0}}}", 0, "D4", false},
    {"{group.a: {at_least: 1}, group.b: {above: 1.99}}", 0, "D4", true},
    {"{group.b: {at_most: 1.99}}", 0, "D4", false},
    {"{field.x: y}", 0, "D4", false}, /* an attribute of that name */
    {"{any: [{stage: hot}, {total: {at_least: 50}, grade: D4}]}", 0, "D4", true},
};

START_TEST(conditions_on_leads) {
    static const char head[] = "engagement: {half_life: 1d, groups: {a: {rules: []}, b: {rules: []}}}\n"
                               "grade: {fit: {A: 60}, engagement: {1: 60}}\n"
                               "stages: [{name: cold}, {name: warm, enter: 40}, {name: hot, enter: 80}]\n"
                               "sales_ready: {when: ";
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++) {
        struct model *model = compile(head, leads[i].when, "}\n");
        struct bytes texts[4] = {{NULL, 0}};
        int64_t groups[] = {100, 200};
        struct cond_subject lead = {.texts = texts,
                                    .groups = groups,
                                    .total = 5000,
                                    .engagement = 3001,
                                    .fit = -500,
                                    .stage = (uint8_t)leads[i].stage,
                                    .grade = {leads[i].grade[0], leads[i].grade[1]}};
        struct cond_counts counts = {0};
        ck_assert_msg(cond_holds(model, model->ready, &lead, &counts) == leads[i].holds, "%s", leads[i].when);
        model_free(&model);
    }
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, conditions_on_events);
    tcase_add_test(all, conditions_on_leads);
}

SUITE_MAIN("model_when", add)
