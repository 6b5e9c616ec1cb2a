/* Published records as Avro bodies. Straight bytes: the order and types of the writes below are those of the schemas,
 * and a test reads them back by the schemas to keep it so.
 *
 * The fingerprints stand here as numbers, because computing them takes a parse; a test compares them. */
#include "codec/record_avro.h"

#include "codec/shipped.h"

static const struct {
    const char *name;
    uint64_t fingerprint;
} kinds[] = {
    [RECORD_SCORE_CHANGED] = {"ScoreChanged", UINT64_C(0xbb9d23b2daa0360d)},
    [RECORD_SALES_READY] = {"SalesReady", UINT64_C(0xd908131e856b3020)},
    [RECORD_ERASED] = {"Erased", UINT64_C(0x3f9c3d370a6dfd04)},
};

static void put_text(struct writer *w, struct bytes text) {
    writer_zigzag(w, (int64_t)text.n);
    writer_bytes(w, text.at, text.n);
}

/* ["null", "string"] */
static void put_optional(struct writer *w, bool there, struct bytes text) {
    writer_zigzag(w, there);
    if (there)
        put_text(w, text);
}

/* Hundredths as the double nearest to the decimal: one division of two exact doubles, rounded once. */
static void put_number(struct writer *w, int64_t hundredths) {
    double number = (double)hundredths / 100;
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    writer_u64(w, bits);
}

static void put_id(struct writer *w, const uint8_t id[16]) {
    static const char hex[] = "0123456789abcdef";
    char text[36], *to = text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = hex[id[i] >> 4];
        *to++ = hex[id[i] & 15];
    }
    put_text(w, (struct bytes){(const uint8_t *)text, sizeof text});
}

/* grade, stage, route: null where the model has none. */
static void put_place(struct writer *w, const struct model *model, const char grade[2], uint8_t stage, uint8_t route) {
    const struct bytes none = {NULL, 0};
    put_optional(w, model->n_grade_fit > 0, (struct bytes){(const uint8_t *)grade, 2});
    put_optional(w, model->n_stages > 0, model->n_stages ? model->stages[stage].name : none);
    put_optional(w, model->n_routes > 0, model->n_routes ? model->routes[route].to : none);
}

static void put_groups(struct writer *w, const struct model *model, const int64_t *groups) {
    if (model->n_groups)
        writer_zigzag(w, model->n_groups);
    for (uint16_t i = 0; i < model->n_groups; i++) {
        put_text(w, model->groups[i].name);
        put_number(w, groups[i]);
    }
    writer_zigzag(w, 0);
}

/* One of the union of RuleReason, FitReason, ClampReason, WeightReason, RoundingReason. */
static void put_reason(struct writer *w, const struct reason *reason) {
    enum { RULE, FIT, CLAMP, WEIGHT, ROUNDING };
    static const struct {
        int branch;
        const char *name; /* NULL: the reason's own */
    } forms[] = {
        [REASON_RULE] = {RULE, NULL},
        [REASON_FIT] = {FIT, NULL},
        [REASON_CLAMP_GROUP] = {CLAMP, NULL},
        [REASON_CLAMP_ENGAGEMENT] = {CLAMP, "engagement"},
        [REASON_CLAMP_FIT] = {CLAMP, "fit"},
        [REASON_WEIGHT_ENGAGEMENT] = {WEIGHT, "engagement"},
        [REASON_WEIGHT_FIT] = {WEIGHT, "fit"},
        [REASON_CLAMP_TOTAL] = {CLAMP, "total"},
        [REASON_ROUNDING] = {ROUNDING, "total"},
    };
    const char *group = "group.";
    writer_zigzag(w, forms[reason->kind].branch);
    if (reason->kind == REASON_CLAMP_GROUP) {
        writer_zigzag(w, (int64_t)(strlen(group) + reason->name.n));
        writer_bytes(w, group, strlen(group));
        writer_bytes(w, reason->name.at, reason->name.n);
    } else {
        put_text(w, forms[reason->kind].name ? bytes_of(forms[reason->kind].name) : reason->name);
    }
    put_number(w, reason->points);
    if (reason->kind == REASON_RULE)
        put_number(w, reason->count);
}

static void put_reasons(struct writer *w, const struct record *record) {
    if (record->n_reasons)
        writer_zigzag(w, (int64_t)record->n_reasons);
    for (size_t i = 0; i < record->n_reasons; i++)
        put_reason(w, &record->reasons[i]);
    writer_zigzag(w, 0);
}

void record_avro_write(struct writer *w, const struct model *model, const struct record *record) {
    writer_zigzag(w, 0); /* kind: the one symbol */
    put_id(w, record->id);
    put_text(w, record->lead);
    writer_zigzag(w, record->at);
    if (record->kind == RECORD_ERASED)
        return;
    const struct score *score = &record->score;
    writer_zigzag(w, (int64_t)record->trigger);
    put_optional(w, record->trigger == TRIGGER_EVENT, record->cause);
    put_number(w, score->total);
    put_number(w, score->engagement);
    put_number(w, score->fit);
    put_groups(w, model, score->groups);
    put_place(w, model, score->grade, score->stage, score->route);
    if (record->kind == RECORD_SCORE_CHANGED) {
        put_number(w, record->previous.total);
        put_place(w, model, record->previous.grade, record->previous.stage, record->previous.route);
    }
    put_text(w, model->name);
    writer_zigzag(w, model->version);
    if (record->kind == RECORD_SALES_READY)
        put_reasons(w, record);
}

struct bytes record_avro_schema(enum record_kind kind) {
    for (size_t i = 0; i < n_shipped; i++)
        if (!strcmp(shipped[i].name, kinds[kind].name))
            return shipped[i].json;
    MUST(false);
}

uint64_t record_avro_fingerprint(enum record_kind kind) {
    return kinds[kind].fingerprint;
}
