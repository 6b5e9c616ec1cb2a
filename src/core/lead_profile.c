/* A lead's profile: attribute -> text, each with the time that wrote it, inside the lead's memory (core/lead.c).
 *
 * The greater (time, text) wins, in byte order of the text; a cleared attribute is the empty text, which is the least,
 * so at one time a text wins over clearing. Clearing is remembered too: an older text that comes late must lose. */
#include "core/lead_tools.h"

/* The attribute's offset, or where it belongs (*found is false). */
static uint32_t attr_place(const struct lead *lead, uint64_t hash, bool *found) {
    uint32_t at = lead_attrs_at(lead->memory);
    uint32_t n = lead_load16(lead->memory + LEAD_AT_ATTRS);
    *found = false;
    for (uint32_t i = 0; i < n; i++) {
        struct lead_attr attr = lead_attr_read(lead->memory + at);
        *found = attr.hash == hash;
        if (attr.hash >= hash)
            return at;
        at += lead_attr_size(&attr);
    }
    return at;
}

static bool attr_write(struct lead *lead, uint64_t hash, int64_t time, struct bytes text) {
    MUST(text.n <= EVENT_MAX_VALUE);
    bool found;
    uint32_t at = attr_place(lead, hash, &found);
    uint32_t old = 0;
    if (found) {
        struct lead_attr attr = lead_attr_read(lead->memory + at);
        if (time < attr.time || (time == attr.time && bytes_compare(text, attr.text) <= 0))
            return false;
        old = lead_attr_size(&attr);
    }
    lead_splice(lead, at, old, LEAD_ATTR + (uint32_t)text.n);
    uint8_t *to = lead->memory + at;
    lead_store64(to, hash);
    lead_store_time(to + 8, time);
    lead_store16(to + 14, (uint16_t)text.n);
    if (text.n)
        memcpy(to + LEAD_ATTR, text.at, text.n);
    if (!found)
        lead_store16(lead->memory + LEAD_AT_ATTRS, (uint16_t)(lead_load16(lead->memory + LEAD_AT_ATTRS) + 1));
    return true;
}

bool lead_profile_take(struct lead *lead, const struct model *model, const struct event *event, bool clears) {
    bool wrote = false;
    for (uint32_t i = 0; i < event->n_fields; i++) {
        struct bytes value = event->fields[i].value;
        if (!value.n && !clears)
            continue;
        int slot = model_attr(model, event->fields[i].name);
        if (slot >= 0)
            wrote |= attr_write(lead, model->attrs[slot].hash, event->time, value);
    }
    return wrote;
}

void lead_profile(const struct lead *lead, const struct model *model, struct bytes *texts) {
    for (uint16_t i = 0; i < model->n_attrs; i++)
        texts[i] = (struct bytes){NULL, 0};
    if (!lead->n)
        return;
    uint32_t n = lead_load16(lead->memory + LEAD_AT_ATTRS);
    const uint8_t *at = lead->memory + lead_attrs_at(lead->memory);
    uint16_t slot = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct lead_attr attr = lead_attr_read(at);
        while (slot < model->n_attrs && model->attrs[slot].hash < attr.hash)
            slot++;
        MUST(slot < model->n_attrs && model->attrs[slot].hash == attr.hash);
        texts[slot] = attr.text;
        at += lead_attr_size(&attr);
    }
}
