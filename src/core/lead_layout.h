/* The bytes of a lead's memory, as core/lead.c describes them: sizes, access, and the walk over its sections. Private
 * to the core. */
#ifndef LEADSTREAM_CORE_LEAD_LAYOUT_H
#define LEADSTREAM_CORE_LEAD_LAYOUT_H

#include <leadstream/lead.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "memory is little endian and accessed in place");

/* Sizes in bytes. */
enum {
    LEAD_HEAD = 26,
    LEAD_ID = 14,       /* hash u64 and, in the second array, time u48 */
    LEAD_SECTION = 8,   /* an entry of the directory */
    LEAD_BUCKET = 12,   /* n u32, w u64 */
    LEAD_COUNT = 8,     /* u64 */
    LEAD_WINDOW = 14,   /* index u32, count u32, newest u48 */
    LEAD_VALUE = 14,    /* newest u48, hash u64 */
    LEAD_ATTR = 16      /* name's hash u64, time u48, length u16; the text follows */
};

/* Offsets in the head. */
enum {
    LEAD_AT_NEWEST = 0,     /* i64 */
    LEAD_AT_EVENTS = 8,     /* u64 */
    LEAD_AT_PAYLOAD = 16,   /* u32 */
    LEAD_AT_IDS = 20,       /* u16 */
    LEAD_AT_SECTIONS = 22,  /* u16 */
    LEAD_AT_ATTRS = 24      /* u16 */
};

/* Offsets in an entry of the directory. */
enum { SECTION_AT_RULE = 0, SECTION_AT_KIND = 4, SECTION_AT_COUNT = 6 };

/* Buckets of a rule that can count at once: their ceiling less 32 to their ceiling. */
enum { LEAD_MAX_BUCKETS = 33 };

/* Windows are aligned to Monday 1970-01-05T00:00Z. */
#define LEAD_WINDOW_ZERO INT64_C(345600000)

static inline uint16_t lead_load16(const uint8_t *at) {
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint32_t lead_load32(const uint8_t *at) {
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline uint64_t lead_load64(const uint8_t *at) {
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline int64_t lead_load_time(const uint8_t *at) {
    return (int64_t)(lead_load32(at) | (uint64_t)lead_load16(at + 4) << 32);
}

static inline void lead_store16(uint8_t *at, uint16_t v) {
    memcpy(at, &v, sizeof v);
}

static inline void lead_store32(uint8_t *at, uint32_t v) {
    memcpy(at, &v, sizeof v);
}

static inline void lead_store64(uint8_t *at, uint64_t v) {
    memcpy(at, &v, sizeof v);
}

static inline void lead_store_time(uint8_t *at, int64_t t) {
    lead_store32(at, (uint32_t)t);
    lead_store16(at + 4, (uint16_t)(t >> 32));
}

/* The size of one entry of a section. */
static inline uint32_t lead_entry_size(enum model_memory kind) {
    return kind == MODEL_BUCKETS ? LEAD_BUCKET : kind == MODEL_COUNT ? LEAD_COUNT : LEAD_WINDOW;
}
_Static_assert((int)LEAD_WINDOW == (int)LEAD_VALUE, "lead_entry_size counts on it");

/* Where entry i of a list begins. */
static inline size_t lead_offset(size_t size, size_t i) {
    return size * i;
}

/* Where the parts of a memory begin. */
static inline uint32_t lead_times_at(const uint8_t *memory) {
    return LEAD_HEAD + 8 * (uint32_t)lead_load16(memory + LEAD_AT_IDS);
}

static inline uint32_t lead_sections_at(const uint8_t *memory) {
    return LEAD_HEAD + LEAD_ID * (uint32_t)lead_load16(memory + LEAD_AT_IDS);
}

static inline uint32_t lead_payload_at(const uint8_t *memory) {
    return lead_sections_at(memory) + LEAD_SECTION * (uint32_t)lead_load16(memory + LEAD_AT_SECTIONS);
}

static inline uint32_t lead_attrs_at(const uint8_t *memory) {
    return lead_payload_at(memory) + lead_load32(memory + LEAD_AT_PAYLOAD);
}

/* One rule's section. */
struct lead_section {
    uint32_t rule;          /* hash of the rule's id */
    enum model_memory kind;
    uint32_t n;             /* entries, at least 1 */
    const uint8_t *at;      /* the first entry */
};

/* A walk over the sections: `left` of them are still to come. */
struct lead_walk {
    const uint8_t *entry;
    const uint8_t *payload;
    uint32_t left;
};

static inline struct lead_walk lead_walk(const struct lead *lead) {
    if (!lead->n)
        return (struct lead_walk){NULL, NULL, 0};
    const uint8_t *memory = lead->memory;
    return (struct lead_walk){memory + lead_sections_at(memory), memory + lead_payload_at(memory),
                              lead_load16(memory + LEAD_AT_SECTIONS)};
}

static inline bool lead_walk_next(struct lead_walk *walk, struct lead_section *section) {
    if (!walk->left)
        return false;
    walk->left--;
    section->rule = lead_load32(walk->entry + SECTION_AT_RULE);
    section->kind = (enum model_memory)walk->entry[SECTION_AT_KIND];
    section->n = lead_load16(walk->entry + SECTION_AT_COUNT);
    section->at = walk->payload;
    walk->entry += LEAD_SECTION;
    walk->payload += lead_offset(lead_entry_size(section->kind), section->n);
    return true;
}

/* One attribute of the profile. */
struct lead_attr {
    uint64_t hash;
    int64_t time;
    struct bytes text;  /* empty: cleared at that time */
};

static inline struct lead_attr lead_attr_read(const uint8_t *at) {
    return (struct lead_attr){lead_load64(at), lead_load_time(at + 8), {at + LEAD_ATTR, lead_load16(at + 14)}};
}

static inline uint32_t lead_attr_size(const struct lead_attr *attr) {
    return LEAD_ATTR + (uint32_t)attr->text.n;
}

/* The end of a window, in ms. */
static inline int64_t lead_window_end(const struct model_rule *rule, uint32_t index) {
    return LEAD_WINDOW_ZERO + ((int64_t)index + 1) * rule->window;
}

/* Replaces `remove` bytes at an offset by `insert` bytes that the caller fills; moves what comes after. */
void lead_splice(struct lead *lead, uint32_t at, uint32_t remove, uint32_t insert);

#endif
