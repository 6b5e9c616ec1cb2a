/* `leadstream score`: event files in, one line a lead out (or, with --changes, the records that would be published). No
 * broker and no store: leads live in memory, and time is that of the events. The way of an event here is the definition
 * of a replay, which `run` is compared with. */
#include "app/cmd.h"

#include "app/cmd_say.h"
#include "app/event_merge.h"
#include "app/lead_table.h"
#include "app/record_list.h"
#include "app/score_options.h"
#include "app/score_table.h"
#include "codec/model_yaml.h"
#include "host/clock.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA ((size_t)1 << 30) /* of one lead's records between two of its events, or its reasons */

enum { REASONS_SHOWN = 3 }; /* of each lead, in a table without --reasons */

static const char name[] = "score";

/* A run of `score`. */
struct play {
    struct score_options o;
    struct model *model;
    struct scorer *scorer;
    struct lead_table *leads;
    struct record_list *records; /* NULL: not wanted */
    struct arena *arena;
    struct event_file **files;
    struct bad_lines *bad;
    struct event_merge *merge;
    uint64_t events;
    size_t longest_lead; /* bytes, of the leads' ids */
    int64_t shown;       /* when progress was last shown, monotonic ms; -1: not wanted */
};

/* A lead's place in the order of lines. */
struct rank {
    int64_t total;
    const struct lead *lead;
};

static int open_all(struct play *play);
static bool play_events(struct play *play, struct err *e);
static bool play_rest(struct play *play, int64_t at, struct err *e);
static bool print_leads(struct play *play, int64_t at, struct err *e);
static bool print_records(struct play *play, struct err *e);
static void tell_counts(const struct score_counts *counts);
static void close_all(struct play *play);

int cmd_score(int argc, char **argv) {
    struct play play = {.shown = -1};
    bool done = false;
    int code = score_options_read(argc, argv, &play.o, &done);
    if (code || done)
        return code;
    struct err e;
    code = open_all(&play);
    if (!code) {
        bool good = play_events(&play, &e);
        int64_t at = play.o.at != INT64_MAX ? play.o.at : event_merge_newest(play.merge);
        good = good && play_rest(&play, at, &e);
        if (good)
            tell_counts(scorer_counts(play.scorer)); /* before printing, which asks conditions again */
        good = good && (play.records ? print_records(&play, &e) : print_leads(&play, at, &e));
        code = good ? EXIT_DONE : cmd_say_err(EXIT_WORLD, name, &e);
    }
    if (play.bad) {
        if (!play.o.dead_letters && bad_lines_count(play.bad) && !code)
            code = EXIT_INPUT;
        if (!bad_lines_finish(&play.bad, &e))
            code = cmd_say_err(EXIT_WORLD, name, &e);
    }
    close_all(&play);
    return code;
}

/* ---- opening and closing ---- */

static int open_model(struct play *play) {
    FILE *there = fopen(play->o.model, "re");
    bool readable = there && (getc(there) != EOF || !ferror(there)); /* a directory opens, too */
    int why = errno;
    if (there)
        fclose(there);
    if (!readable)
        return cmd_say(EXIT_WORLD, name, "%.200s: %s", play->o.model, strerror(why));
    struct problems problems = {.file = play->o.model};
    play->model = model_yaml_load(play->o.model, &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    return play->model ? 0 : EXIT_INPUT;
}

/* Dead letters begin an empty file: if it is a file of events, these would be gone before they are read. */
static bool would_overwrite(const char *dead_letters, const char *file) {
    struct stat a, b;
    return dead_letters && !stat(dead_letters, &a) && S_ISREG(a.st_mode) && !stat(file, &b) && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* All files are opened before the first is read: a name that is wrong is said at once. */
static int open_all(struct play *play) {
    struct err e;
    int code = open_model(play);
    if (code)
        return code;
    for (size_t i = 0; i < play->o.n_files; i++)
        if (would_overwrite(play->o.dead_letters, play->o.files[i]))
            return cmd_say(EXIT_USAGE, name, "--dead-letters %.200s is a file of events too: it would be overwritten",
                           play->o.dead_letters);
    play->files = calloc(play->o.n_files + 1, sizeof(struct event_file *));
    MUST(play->files != NULL);
    for (size_t i = 0; i < play->o.n_files; i++) {
        play->files[i] = event_file_open(play->o.files[i], play->model, &e);
        if (!play->files[i])
            return cmd_say_err(err_class(e.code) == ERR_CLASS_REJECT ? EXIT_INPUT : EXIT_WORLD, name, &e);
    }
    play->bad = bad_lines_new(play->o.dead_letters, &e);
    if (!play->bad)
        return cmd_say_err(EXIT_WORLD, name, &e);
    play->merge = event_merge_new(play->files, play->o.n_files, play->o.at, play->bad);
    play->scorer = scorer_new(play->model);
    play->leads = lead_table_new(play->model);
    play->records = play->o.changes ? record_list_new(play->model) : NULL;
    play->arena = arena_new(ARENA);
    play->shown = isatty(STDERR_FILENO) ? 0 : -1;
    if (play->o.output == SCORE_OUTPUT_AUTO)
        play->o.output = isatty(STDOUT_FILENO) ? SCORE_OUTPUT_TABLE : SCORE_OUTPUT_JSONL;
    return 0;
}

static void close_all(struct play *play) {
    for (size_t i = 0; play->files && i < play->o.n_files; i++)
        event_file_close(&play->files[i]);
    free(play->files);
    event_merge_free(&play->merge);
    record_list_free(&play->records);
    lead_table_free(&play->leads);
    scorer_free(&play->scorer);
    arena_free(&play->arena);
    model_free(&play->model);
}

/* ---- playing ---- */

/* Shows how far reading has come, every 100 ms at most. */
static void show_progress(struct play *play) {
    int64_t now = clock_mono_ms();
    if (now < play->shown + 100)
        return;
    play->shown = now;
    uint64_t read = 0, size = 0;
    bool known = true;
    for (size_t i = 0; i < play->o.n_files; i++) {
        read += event_file_read(play->files[i]);
        size += event_file_size(play->files[i]);
        known = known && event_file_size(play->files[i]);
    }
    fprintf(stderr, "\r%llu events, %zu leads", (unsigned long long)play->events, lead_table_count(play->leads));
    if (known)
        fprintf(stderr, ", %d %%", (int)(read < size ? read * 100 / size : 100));
    fputs("\033[K", stderr);
}

static void end_progress(const struct play *play) {
    if (play->shown > 0)
        fputs("\r\033[K", stderr);
}

static void keep_records(struct play *play, const struct lead *lead, const struct verdict *verdict) {
    for (size_t i = 0; play->records && i < verdict->n_records; i++) {
        struct record record = verdict->records[i];
        record.lead = lead->key;
        record_list_add(play->records, &record);
    }
}

static bool play_events(struct play *play, struct err *e) {
    const struct event *event;
    bool good = true;
    while (good && (good = event_merge_next(play->merge, &event, e)) && event) {
        struct lead *lead = lead_table_get(play->leads, event->lead);
        struct verdict verdict;
        arena_reset(play->arena);
        good = score_event(play->scorer, lead, event, SCORE_UNBOUNDED, play->arena, &verdict, e);
        if (!good)
            break;
        keep_records(play, lead, &verdict);
        if (event->lead.n > play->longest_lead)
            play->longest_lead = event->lead.n;
        if (++play->events % 4096 == 0 && play->shown >= 0)
            show_progress(play);
    }
    end_progress(play);
    return good;
}

/* The leads' timers up to the end of the range fire. */
static bool play_rest(struct play *play, int64_t at, struct err *e) {
    for (size_t i = 0; i < lead_table_count(play->leads); i++) {
        struct lead *lead = lead_table_at(play->leads, i);
        struct verdict verdict;
        if (lead->d.t == LEAD_NEVER)
            continue;
        arena_reset(play->arena);
        if (!score_advance(play->scorer, lead, at, SCORE_UNBOUNDED, play->arena, &verdict, e))
            return false;
        keep_records(play, lead, &verdict);
    }
    return true;
}

/* ---- printing ---- */

static void tell_count(uint64_t n, const char *what) {
    char times[32] = "once";
    if (n > 1)
        snprintf(times, sizeof times, "%" PRIu64 " times", n);
    if (n)
        fprintf(stderr, "leadstream score: %s: %s\n", what, times);
}

/* What was scored as the model says, but may not be what its author meant. */
static void tell_counts(const struct score_counts *counts) {
    tell_count(counts->below_ids,
               "an event was older than all ids remembered of its lead, so it counts even if it came before "
               "(dedupe.ids)");
    tell_count(counts->cond.not_a_number, "a numeric test met a text that is no number, and did not hold");
    tell_count(counts->cond.match_limit, "a regular expression gave up at its limit, and did not hold");
}

/* Writes the text out and empties it. False: stdout takes no more. */
static bool flush(struct text *text, struct err *e) {
    size_t n = text->n;
    text->n = 0;
    if (fwrite(text->at, 1, n, stdout) == n)
        return true;
    return err_set(e, ERR_DISK, "standard output", "%s", strerror(errno));
}

static bool finish(struct text *text, bool good, struct err *e) {
    text_free(text);
    if (good && fflush(stdout) != 0)
        return err_set(e, ERR_DISK, "standard output", "%s", strerror(errno));
    return good;
}

static int by_total(const void *left, const void *right) {
    const struct rank *a = left, *b = right;
    if (a->total != b->total)
        return a->total > b->total ? -1 : 1;
    return bytes_compare(a->lead->key, b->lead->key);
}

/* Every lead of which something is remembered, in the order of lines; the caller frees them. */
static struct rank *rank_leads(struct play *play, int64_t at, size_t *n) {
    size_t all = lead_table_count(play->leads);
    struct rank *ranks = calloc(all + 1, sizeof *ranks);
    int64_t groups[MODEL_MAX_GROUPS];
    struct score score = {.groups = groups};
    MUST(ranks != NULL);
    *n = 0;
    for (size_t i = 0; i < all; i++) {
        const struct lead *lead = lead_table_at(play->leads, i);
        if (lead->d.t == LEAD_NEVER)
            continue; /* erased, and nothing since */
        score_read(play->scorer, lead, at, &score);
        ranks[(*n)++] = (struct rank){score.total, lead};
    }
    qsort(ranks, *n, sizeof *ranks, by_total);
    return ranks;
}

static bool put_lead(struct play *play, const struct score_table *table, struct text *text, const struct rank *rank,
                     int64_t at) {
    int64_t groups[MODEL_MAX_GROUPS];
    struct bytes profile[MODEL_MAX_ATTRS];
    struct score score = {.groups = groups};
    struct lead_line line = {.lead = rank->lead->key, .score = &score, .as_of = at};
    arena_reset(play->arena);
    score_read(play->scorer, rank->lead, at, &score);
    line.events = lead_events(rank->lead);
    if (play->o.reasons || play->o.output == SCORE_OUTPUT_TABLE) {
        line.reasons = score_reasons(play->scorer, rank->lead, at, play->arena, &line.n_reasons);
        lead_profile(rank->lead, play->model, profile);
        line.profile = profile;
        if (!line.reasons)
            return false;
    }
    if (play->o.output == SCORE_OUTPUT_TABLE) {
        score_table_lead(table, text, &line, play->o.reasons ? SIZE_MAX : REASONS_SHOWN);
    } else {
        lead_line_json(text, play->model, &line);
        text_put(text, "\n", 1);
    }
    return true;
}

static bool print_leads(struct play *play, int64_t at, struct err *e) {
    struct score_table table;
    struct text text = {0};
    bool good = true;
    size_t n;
    struct rank *ranks = rank_leads(play, at, &n);
    score_table_init(&table, play->model, play->longest_lead);
    if (play->o.output == SCORE_OUTPUT_TABLE)
        score_table_leads_head(&table, &text);
    for (size_t i = 0; i < n && good; i++) {
        good = put_lead(play, &table, &text, &ranks[i], at) ||
               err_set(e, ERR_OUTPUT_TOO_LARGE, NULL, "a lead's reasons do not fit in memory");
        good = good && flush(&text, e);
    }
    free(ranks);
    good = good && flush(&text, e);
    return finish(&text, good, e);
}

static bool print_records(struct play *play, struct err *e) {
    struct score_table table;
    struct text text = {0};
    bool good = true;
    record_list_sort(play->records);
    score_table_init(&table, play->model, play->longest_lead);
    if (play->o.output == SCORE_OUTPUT_TABLE)
        score_table_records_head(&table, &text);
    for (size_t i = 0; i < record_list_count(play->records) && good; i++) {
        struct record record;
        arena_reset(play->arena);
        record_list_get(play->records, i, play->arena, &record);
        if (play->o.output == SCORE_OUTPUT_TABLE) {
            score_table_record(&table, &text, &record);
        } else {
            record_json(&text, play->model, &record);
            text_put(&text, "\n", 1);
        }
        good = flush(&text, e);
    }
    good = good && flush(&text, e);
    return finish(&text, good, e);
}
