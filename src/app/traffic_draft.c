/* Texts of generated events: small lists, drawn from by hash. Companies are invented, their domains examples. */
#include "app/traffic_draft.h"

#include <leadstream/when.h>
#include <stdarg.h>
#include <stdio.h>

enum { TEXT = 256 };

/* Salts: what is drawn for a lead, or for an event. */
enum salt { SALT_TITLE, SALT_COUNTRY, SALT_SIZE, SALT_COMPANY, SALT_NAME, SALT_PAGE, SALT_OTHER };

struct filling {
    const struct traffic_draft *draft;
    struct arena *arena;
    struct event_field *fields;
    uint32_t n;
};

static const char *const countries[] = {"DE", "FR", "NL", "US", "GB", "IN", "BR", "PL", "ES", "SE"};
static const char *const companies[][2] = {
    {"Northwind", "northwind"}, {"Alder", "alder"},     {"Brightwater", "brightwater"},
    {"Cobalt", "cobalt"},       {"Dunlin", "dunlin"},   {"Evergreen", "evergreen"},
    {"Foxglove", "foxglove"},   {"Granite", "granite"}, {"Harbour", "harbour"}};
static const char *const sizes[] = {"3", "8", "15", "24", "40", "80", "150", "220", "480", "900", "1500", "12000"};
static const char *const names[] = {"ana", "ben", "chloe", "david", "eva", "farid", "grace", "hugo", "ines", "jonas"};
static const char *const pages[] = {"/",        "/features", "/blog/lead-scoring", "/blog/decay", "/customers", "/docs",
                                    "/pricing", "/about",    "/integrations",      "/careers"};
static const char *const campaigns[] = {"newsletter", "product-news", "webinar-invitation", "case-study", "offer"};
static const char *const networks[] = {"linkedin", "mastodon", "youtube"};
static const char *const searches[] = {"kafka scoring", "price", "gdpr", "api", "free trial"};

#define COUNT(list) (sizeof(list) / sizeof *(list))

uint64_t traffic_mix(uint64_t z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t drawn(uint64_t seed, uint64_t of, enum salt salt, size_t n) {
    uint64_t z = traffic_mix(traffic_mix(seed + 1) + of * UINT64_C(0x9e3779b97f4a7c15) + salt);
    return (size_t)((z >> 32) * n >> 32);
}

static size_t of_lead(const struct filling *f, enum salt salt, size_t n) {
    return drawn(f->draft->seed, f->draft->lead, salt, n);
}

static size_t of_event(const struct filling *f, enum salt salt, size_t n) {
    return drawn(f->draft->seed, f->draft->number + (UINT64_C(1) << 40), salt, n);
}

static struct bytes text(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct bytes text(struct arena *arena, const char *format, ...) {
    char line[TEXT];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    MUST(n >= 0 && (size_t)n < sizeof line);
    struct bytes copy = {arena_copy(arena, line, (size_t)n), (size_t)n};
    MUST(copy.at != NULL);
    return copy;
}

static void add(struct filling *f, const char *name, struct bytes value) {
    MUST(f->n < TRAFFIC_MAX_FIELDS);
    f->fields[f->n++] = (struct event_field){bytes_of(name), value};
}

static void add_text(struct filling *f, const char *name, const char *value) {
    add(f, name, bytes_of(value));
}

/* What the step is about, or one of a list. */
static const char *about(const struct filling *f, const char *const *list, size_t n) {
    return f->draft->step->about ? f->draft->step->about : list[of_event(f, SALT_PAGE, n)];
}

static void add_url(struct filling *f, const char *path) {
    add(f, "url", text(f->arena, "https://www.shop.example%s", path));
}

/* The lead's own words: what a form or the CRM knows of it. */
static void add_profile(struct filling *f) {
    const struct plot_persona *persona = f->draft->persona;
    size_t titles = 0;
    while (persona->titles[titles])
        titles++;
    MUST(titles > 0);
    const char *const *company = companies[of_lead(f, SALT_COMPANY, COUNT(companies))];
    const char *name = names[of_lead(f, SALT_NAME, COUNT(names))];
    add_text(f, "title", persona->titles[of_lead(f, SALT_TITLE, titles)]);
    add_text(f, "country", countries[of_lead(f, SALT_COUNTRY, COUNT(countries))]);
    if (persona->school) {
        add(f, "email", text(f->arena, "%s.%u@campus.edu", name, f->draft->lead));
        return;
    }
    add(f, "email", text(f->arena, "%s.%u@%s.example", name, f->draft->lead, company[1]));
    add_text(f, "company", company[0]);
    add_text(f, "company_size", sizes[of_lead(f, SALT_SIZE, COUNT(sizes))]);
}

static void fill_email(struct filling *f, const char *what) {
    int64_t week = f->draft->time / WHEN_WEEK;
    const char *campaign = campaigns[drawn(f->draft->lead, f->draft->mail, SALT_OTHER, COUNT(campaigns))];
    add(f, "campaign", text(f->arena, "%s-%lld", campaign, (long long)week));
    if (!strcmp(what, "clicked"))
        add_url(f, about(f, pages, COUNT(pages)));
}

static void fill_web(struct filling *f, const char *what) {
    if (!strcmp(what, "searched"))
        add_text(f, "query", searches[of_event(f, SALT_OTHER, COUNT(searches))]);
    else if (!strcmp(what, "downloaded") || !strcmp(what, "video_played"))
        add_text(f, "asset", f->draft->step->about);
    else
        add_url(f, about(f, pages, COUNT(pages)));
}

static void fill_form(struct filling *f, const char *what) {
    add_text(f, "form", f->draft->step->about);
    if (!strcmp(what, "submitted"))
        add_profile(f);
}

static void fill_crm(struct filling *f, const char *what) {
    if (!strcmp(what, "profile_updated"))
        add_profile(f);
    else if (!strcmp(what, "opportunity") || !strcmp(what, "won"))
        add(f, "amount", text(f->arena, "%zu", (of_lead(f, SALT_OTHER, 90) + 10) * 500));
    else if (f->draft->step->about)
        add_text(f, "reason", f->draft->step->about);
}

static void fill(struct filling *f) {
    const char *type = f->draft->step->type;
    const char *what = strchr(type, '.') + 1;
    switch (type[0]) {
    case 'e': fill_email(f, what); break;
    case 'w': fill_web(f, what); break;
    case 'f': fill_form(f, what); break;
    case 'c': fill_crm(f, what); break;
    case 'm': add(f, "meeting", text(f->arena, "webinar-%lld", (long long)(f->draft->time / (4 * WHEN_WEEK)))); break;
    case 's': add_text(f, "network", networks[of_lead(f, SALT_OTHER, COUNT(networks))]); break;
    default: /* privacy */
        if (f->draft->step->about)
            add_text(f, "consent", f->draft->step->about);
    }
}

void traffic_draft(const struct traffic_draft *draft, struct arena *arena, struct event *event) {
    struct filling f = {draft, arena, arena_take(arena, TRAFFIC_MAX_FIELDS * sizeof *f.fields), 0};
    MUST(f.fields != NULL);
    fill(&f);
    *event = (struct event){
        .lead = traffic_lead(draft->lead, arena),
        .id = text(arena, "e%llu-%llu", (unsigned long long)draft->seed, (unsigned long long)draft->number),
        .type = bytes_of(draft->step->type),
        .time = draft->time,
        .machine = draft->step->machine,
        .n_fields = f.n,
        .fields = f.fields};
}

struct bytes traffic_lead(uint32_t lead, struct arena *arena) {
    return text(arena, "l-%06u", lead);
}

struct bytes traffic_rubbish(uint64_t seed, uint32_t lead, uint32_t kind, struct arena *arena) {
    unsigned long long n = seed % 1000;
    switch (kind % 10) {
    case 0: return text(arena, "{\"lead\":\"l-%06u\",\"type\":\"web.page_viewed\"}", lead);
    case 1:
        return text(arena, "{\"lead\":\"l-%06u\",\"id\":\"x\",\"type\":\"web.page_viewed\",\"time\":\"yesterday\"}",
                    lead);
    case 2: return text(arena, "{\"lead\":\"l-%06u\",\"id\":\"x\",\"type\":\"web.page_vie", lead);
    case 3: return text(arena, "GET /pixel.gif?lead=l-%06u HTTP/1.1", lead);
    case 4: return text(arena, "{\"lead\":\"l-%06u\",\"id\":\"\xff\xfe\"}", lead);
    case 5:
        return text(arena, "{\"lead\":\"l-%06u\",\"id\":\"x\",\"type\":\"Page Viewed\",\"time\":1767225600000}", lead);
    case 6: return text(arena, "{\"lead\":\"l-%06u\",\"lead\":\"l-%06llu\"}", lead, n);
    case 7: return text(arena, "{\"lead\":\"l-%06u\",\"id\":\"x\",\"type\":\"web.page_viewed\",\"time\":0}", lead);
    case 8: return text(arena, "[%u,%llu]", lead, n);
    default:
        return text(arena,
                    "{\"lead\":\"l-%06u\",\"id\":\"x\",\"type\":\"form.submitted\",\"time\":1767225600000,"
                    "\"fields\":{\"address\":{\"city\":\"Ulm\"}}}",
                    lead);
    }
}
