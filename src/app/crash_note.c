/* Crash notes to bytes and back; the form is in the header. */
#include "app/crash_note.h"

#include <leadstream/engine.h>
#include <leadstream/when.h>
#include <stdlib.h>

#define TIMER "timer "

static const char magic[8] = {'L', 'S', 'C', 'R', 'A', 'S', 'H', '1'};
enum { CHECKED_FROM = 16 };

static void put_text(struct writer *w, const char *text, size_t most) {
    size_t n = 0;
    while (n < most && text[n])
        n++;
    writer_u16(w, (uint16_t)n);
    writer_bytes(w, text, n);
}

void crash_note_write(const struct crash_note *note, uint8_t out[CRASH_NOTE_SIZE]) {
    memset(out, 0, CRASH_NOTE_SIZE);
    struct writer w = writer_of(out + CHECKED_FROM, CRASH_NOTE_SIZE - CHECKED_FROM);
    writer_u64(&w, (uint64_t)note->time);
    writer_u32(&w, note->signal);
    writer_u32(&w, note->shard);
    writer_u32(&w, note->index);
    writer_u64(&w, (uint64_t)note->offset);
    put_text(&w, note->topic, CRASH_NOTE_TEXT - 1);
    put_text(&w, note->words, (size_t)(w.end - w.at) - 2);
    struct writer head = writer_of(out, CHECKED_FROM);
    writer_bytes(&head, magic, sizeof magic);
    writer_u64(&head, event_hash((struct bytes){out + CHECKED_FROM, CRASH_NOTE_SIZE - CHECKED_FROM}));
}

void crash_note_name_timer(struct crash_note *note, uint64_t lead) {
    char *at = note->topic + sizeof TIMER - 1;
    memcpy(note->topic, TIMER, sizeof TIMER);
    for (int i = 0; i < 16; i++)
        at[i] = "0123456789abcdef"[lead >> (60 - 4 * i) & 15];
    at[16] = 0;
}

bool crash_note_timer(const struct crash_note *note, uint64_t *lead) {
    struct crash_note again;
    if (note->index != ENGINE_TIMER || strncmp(note->topic, TIMER, sizeof TIMER - 1) != 0 || note->offset > WHEN_LAST)
        return false;
    *lead = strtoull(note->topic + sizeof TIMER - 1, NULL, 16);
    crash_note_name_timer(&again, *lead);
    return !strcmp(again.topic, note->topic);
}

static bool take_text(struct reader *r, char *out) {
    size_t n = reader_u16(r);
    struct bytes text = reader_bytes(r, n);
    if (!r->ok || n >= CRASH_NOTE_TEXT || memchr(text.at, 0, n))
        return false;
    memcpy(out, text.at, n);
    out[n] = 0;
    return true;
}

/* The note at the beginning of CRASH_NOTE_SIZE bytes. */
static bool read_note(const uint8_t *at, struct crash_note *note) {
    struct bytes checked = {at + CHECKED_FROM, CRASH_NOTE_SIZE - CHECKED_FROM};
    struct reader head = reader_of((struct bytes){at + sizeof magic, sizeof(uint64_t)}), r = reader_of(checked);
    if (memcmp(at, magic, sizeof magic) != 0 || reader_u64(&head) != event_hash(checked))
        return false;
    note->time = (int64_t)reader_u64(&r);
    note->signal = reader_u32(&r);
    note->shard = reader_u32(&r);
    note->index = reader_u32(&r);
    note->offset = (int64_t)reader_u64(&r);
    return take_text(&r, note->topic) && take_text(&r, note->words) && note->topic[0] && note->offset >= 0;
}

bool crash_note_next(struct bytes *from, struct crash_note *note) {
    while (from->n >= CRASH_NOTE_SIZE) {
        const uint8_t *at = memchr(from->at, magic[0], from->n);
        if (!at)
            return false;
        *from = (struct bytes){at, from->n - (size_t)(at - from->at)};
        bool found = from->n >= CRASH_NOTE_SIZE && read_note(at, note);
        size_t step = found ? CRASH_NOTE_SIZE : 1;
        *from = (struct bytes){from->at + step, from->n - step};
        if (found)
            return true;
    }
    return false;
}
