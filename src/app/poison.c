/* Counting crash notes.
 *
 * A place that the process failed at once may have been bad luck; the same place twice is the record, and the third
 * time it goes to the dead letters unread. A crash that any item of a batch may have caused makes the next start go
 * through that batch one by one. Notes need not be taken away when their record is passed: a shard's offsets
 * never fall within a generation, so nobody asks for them again, and after a week they go. */
#include "app/poison.h"

#include "app/crash_note.h"
#include "host/log.h"

#include <errno.h>
#include <inttypes.h>
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OLD (7 * WHEN_DAY)
enum { FILE_MOST = 1024 * 1024 /* bytes that are looked at, the last ones */ };

struct notes {
    struct crash_note at[POISON_MOST];
    size_t n;       /* the newest POISON_MOST, in the file's order */
    bool stale;     /* the file has more than these */
};

static void add(struct notes *notes, const struct crash_note *note) {
    if (notes->n == POISON_MOST) {
        memmove(&notes->at[0], &notes->at[1], (POISON_MOST - 1) * sizeof notes->at[0]);
        notes->n--;
        notes->stale = true;
    }
    notes->at[notes->n++] = *note;
}

static bool complain(const char *path, const char *what, struct err *e) {
    return err_set(e, ERR_DISK, path, "the file of crash notes cannot be %s: %s; give it to this user, or take it away",
                   what, strerror(errno));
}

/* What is no whole note is passed over, and gone when the file is written anew. */
static void scan(struct notes *notes, const char *path, struct bytes bytes, int64_t now) {
    struct crash_note note;
    char quoted[POISON_TEXT];
    size_t size = bytes.n, strange = bytes.n;
    while (crash_note_next(&bytes, &note)) {
        strange -= CRASH_NOTE_SIZE;
        if (note.time > now - OLD && note.time < now + OLD)
            add(notes, &note);
    }
    if (strange)
        LOG(LOG_LEVEL_WARN, "crash_notes_damaged", "path=%s bytes=%zu action=\"what is torn or foreign is passed over\"",
            log_quoted(quoted, sizeof quoted, path), strange);
    notes->stale = size != notes->n * CRASH_NOTE_SIZE;
}

static bool load(const struct poison_options *o, struct notes *notes, struct err *e) {
    FILE *from = fopen(o->path, "rbe");
    if (!from)
        return errno == ENOENT || complain(o->path, "opened", e);
    uint8_t *bytes = malloc(FILE_MOST);
    MUST(bytes != NULL);
    if (fseek(from, -FILE_MOST, SEEK_END) != 0) /* it is shorter than that */
        rewind(from);
    size_t n = fread(bytes, 1, FILE_MOST, from);
    bool good = !ferror(from);
    if (good)
        scan(notes, o->path, (struct bytes){bytes, n}, o->now);
    else
        complain(o->path, "read", e);
    free(bytes);
    fclose(from);
    return good;
}

/* The file anew, with what is kept. */
static bool rewrite(const struct poison_options *o, const struct notes *notes, struct err *e) {
    char path[POISON_TEXT];
    snprintf(path, sizeof path, "%s.new", o->path);
    FILE *to = fopen(path, "wbe");
    if (!to)
        return complain(path, "made", e);
    for (size_t i = 0; i < notes->n; i++) {
        uint8_t bytes[CRASH_NOTE_SIZE];
        crash_note_write(&notes->at[i], bytes);
        fwrite(bytes, 1, sizeof bytes, to);
    }
    bool good = !ferror(to);
    good = fclose(to) == 0 && good;
    if (good && rename(path, o->path) == 0)
        return true;
    complain(path, "written", e);
    unlink(path);
    return false;
}

static bool same_place(const struct crash_note *a, const struct crash_note *b) {
    return a->shard == b->shard && a->index == b->index && a->offset == b->offset && !strcmp(a->topic, b->topic);
}

static int64_t count(const struct notes *notes, const struct crash_note *note) {
    int64_t n = 0;
    for (size_t i = 0; i < notes->n; i++)
        n += same_place(&notes->at[i], note);
    return n;
}

static bool is_last(const struct notes *notes, size_t i) {
    for (size_t k = i + 1; k < notes->n; k++)
        if (same_place(&notes->at[k], &notes->at[i]))
            return false;
    return true;
}

/* The topic's index; n_topics: it is none of today's. */
static size_t index_of(const struct poison_options *o, const char *topic) {
    size_t t = 0;
    while (t < o->n_topics && !bytes_is(o->topics[t], topic))
        t++;
    return t;
}

static const char *action(const struct crash_note *note, bool aside) {
    if (note->index == ENGINE_TIMER)
        return aside ? "the timer is put aside" : "the timer is let fire again";
    if (note->index == ENGINE_WHOLE_BATCH)
        return "records are taken one by one up to it";
    return aside ? "the record goes to the dead letters" : "the record is tried again";
}

static void say(const struct crash_note *note, int64_t crashes, bool aside) {
    char topic[2 * CRASH_NOTE_TEXT], words[2 * CRASH_NOTE_TEXT];
    if (note->index == ENGINE_TIMER) {
        LOG(LOG_LEVEL_WARN, "crashed_before", "timer=true partition=%" PRIu32 " due_ms=%" PRId64 " crashes=%" PRId64
            " words=%s action=\"%s\"", note->shard, note->offset, crashes,
            log_quoted(words, sizeof words, note->words), action(note, aside));
        return;
    }
    LOG(LOG_LEVEL_WARN, "crashed_before", "topic=%s partition=%" PRIu32 " offset=%" PRId64 " crashes=%" PRId64
        " words=%s action=\"%s\"", log_quoted(topic, sizeof topic, note->topic), note->shard, note->offset, crashes,
        log_quoted(words, sizeof words, note->words),
        action(note, aside));
}

static void condemn(struct engine_condemned *at, const struct crash_note *note, uint16_t topic, int64_t crashes) {
    *at = (struct engine_condemned){.topic = topic, .shard = note->shard, .index = note->index, .offset = note->offset};
    char where[sizeof at->why.where];
    snprintf(where, sizeof where, "%.100s/%" PRIu32 "/%" PRId64, note->topic, note->shard, note->offset);
    err_set(&at->why, ERR_POISON, where,
            "taking it made the program fail %" PRId64 " times: %.120s. Report it; once that is mended: `leadstream redrive"
            " --code poison`",
            crashes, note->words);
}

static void condemn_timer(struct engine_condemned *at, const struct crash_note *note, uint64_t lead, int64_t crashes) {
    char where[sizeof at->why.where], due[WHEN_TEXT];
    *at = (struct engine_condemned){
        .shard = note->shard, .index = ENGINE_TIMER, .offset = note->offset, .lead = lead};
    when_format(note->offset, due);
    snprintf(where, sizeof where, "a timer of partition %" PRIu32 ", due %s", note->shard, due);
    err_set(&at->why, ERR_POISON, where,
            "a lead's timer, due %s, made the program fail %" PRId64 " times: %.120s. It is put aside until the lead's next "
            "event. Report it",
            due, crashes, note->words);
}

bool poison_read(const struct poison_options *options, struct engine_condemned *list, size_t *n, struct err *e) {
    *n = 0;
    struct notes *notes = calloc(1, sizeof *notes);
    MUST(notes != NULL);
    bool good = load(options, notes, e) && (!notes->stale || rewrite(options, notes, e));
    for (size_t i = 0; good && i < notes->n; i++) {
        const struct crash_note *note = &notes->at[i];
        size_t topic = index_of(options, note->topic);
        uint64_t lead = 0;
        bool timer = crash_note_timer(note, &lead);
        if (!is_last(notes, i) || (!timer && topic == options->n_topics))
            continue;
        int64_t crashes = count(notes, note);
        say(note, crashes, crashes >= options->crashes);
        if (crashes >= options->crashes && timer)
            condemn_timer(&list[(*n)++], note, lead, crashes);
        else if (crashes >= options->crashes || note->index == ENGINE_WHOLE_BATCH)
            condemn(&list[(*n)++], note, (uint16_t)topic, crashes);
    }
    free(notes);
    return good;
}
