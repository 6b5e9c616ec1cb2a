/* Two passes over the letters, each of which begins with what the receipts say. */
#include "app/redrive_run.h"

#include "app/redrive_batch.h"
#include "host/clock.h"
#include "host/log.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    TRIES = 10,        /* starts without a transaction between them */
    PAUSE = 500,       /* ms between drawings of progress */
    NARROWING = 8,     /* a transaction that holds a letter that is refused is looked through in so many parts */
    REFUSED_MOST = 50  /* letters found so, each at the price of a few starts: then it is the topic that is to be mended */
};

#define ARENA_LIMIT ((size_t)512 * 1024 * 1024) /* for the tree of the largest array that a broker takes */

struct run {
    const struct redrive_options *options;
    struct redrive_result *result;
    struct kafka_conf conf;
    char group[KAFKA_CONF_NAME];
    struct redrive_rules rules;
    struct redrive_source sources[SETTINGS_MAX_SOURCES];
    struct kafka_letters_source seen[SETTINGS_MAX_SOURCES];
    const char *topics[SETTINGS_MAX_SOURCES];
    struct kafka_letters *letters;
    struct kafka_sendback *sendback;    /* NULL: a dry run */
    struct redrive_batch *batch;
    struct arena *arena;
    struct text text;
    int64_t *ends;                      /* by partition */
    struct redrive_ranges *sent;        /* by partition */
    uint64_t going;                     /* letters that go, in this pass */
    uint64_t read;                      /* letters, for progress */
    int64_t drawn;
    struct {                            /* the batch whose outcome nobody told; count 0: none */
        uint32_t partition;
        int64_t first;
        uint64_t count;
    } unknown;
    size_t most;                        /* letters of a transaction; fewer while one that is refused is looked for .. */
    struct {                            /* .. which is not behind this one; in this transaction: begin anew */
        uint32_t partition;
        int64_t last;
        bool anew;
    } suspect;
    struct {
        uint32_t partition;
        int64_t offset;
        bool told;
    } refused[REFUSED_MOST];
    size_t n_refused;
};

/* ---- what is told meanwhile ---- */

static void progress(struct run *run, const char *what, bool last) {
    if (!run->options->progress || (!last && clock_mono_ms() - run->drawn < PAUSE))
        return;
    run->drawn = clock_mono_ms();
    fprintf(stderr, "\r%s: %" PRIu64 " letters read, %" PRIu64 " sent back%s", what, run->read, run->result->sent,
            last ? "\n" : "");
}

/* ---- one partition ---- */

static bool ours(const struct run *run, const struct kafka_letter *letter) {
    return bytes_is(letter->says.group, run->group);
}

/* A receipt of this generation's, by its header and its key; only the header: another program wrote it. */
static bool is_receipt(const struct run *run, uint32_t partition, const struct kafka_letter *letter) {
    return letter->kind == DEAD_LETTER_IS_RECEIPT && ours(run, letter) &&
           dead_letter_receipt_ours(letter->key, letter->says.group, partition);
}

static bool is_strange(const struct run *run, uint32_t partition, const struct kafka_letter *letter) {
    return letter->kind == DEAD_LETTER_IS_STRANGE || (letter->kind == DEAD_LETTER_IS_RECEIPT && ours(run, letter) &&
                                                      !is_receipt(run, partition, letter));
}

static void tell_ignored(uint32_t partition, const struct kafka_letter *letter) {
    LOG_RARELY(LOG_LEVEL_WARN, "receipt_ignored",
               "partition=%" PRIu32 " offset=%" PRId64 " words=\"it says that it is a receipt of this generation, but no"
               " redrive wrote it: it has another key. See \\\"Dead letters\\\" in ops/README.md\"",
               partition, letter->offset);
}

/* A receipt can name only letters that were there before it; who names later ones would silence what is yet to come. */
static bool read_receipt(struct run *run, uint32_t partition, const struct kafka_letter *letter, struct err *e) {
    struct dead_letter_range ranges[DEAD_LETTER_MAX_RANGES];
    size_t n;
    bool good = dead_letter_receipt_read(letter->value, ranges, &n, e);
    if (good && ranges[n - 1].last >= letter->offset)
        good = err_set(e, ERR_CORRUPT, NULL,
                       "a receipt names the letter at offset %" PRId64 ", which came after it: another program wrote it: "
                       "see \"Dead letters\" in ops/README.md",
                       ranges[n - 1].last);
    if (!good)
        snprintf(e->where, sizeof e->where, "dead letters, partition %" PRIu32 ", offset %" PRId64, partition,
                 letter->offset);
    return good && redrive_ranges_add(&run->sent[partition], ranges, n, e);
}

/* All that are there now, not only those before `ends`: receipts come behind their letters. */
static bool read_receipts(struct run *run, uint32_t partition, struct err *e) {
    int64_t first, end;
    const struct kafka_letter *letter;
    redrive_ranges_fini(&run->sent[partition]);
    if (!kafka_letters_bounds(run->letters, partition, &first, &end, e) ||
        !kafka_letters_open(run->letters, partition, end, e))
        return false;
    for (;;) {
        if (!kafka_letters_next(run->letters, &letter, e))
            return false;
        if (!letter)
            return true;
        run->read++;
        progress(run, "looking for what was sent back before", false);
        if (is_receipt(run, partition, letter)) {
            if (!read_receipt(run, partition, letter, e))
                return false;
        } else if (letter->kind == DEAD_LETTER_IS_RECEIPT && is_strange(run, partition, letter)) {
            tell_ignored(partition, letter);
        }
    }
}

static long find_refused(const struct run *run, uint32_t partition, int64_t offset) {
    for (size_t i = 0; i < run->n_refused; i++)
        if (run->refused[i].partition == partition && run->refused[i].offset == offset)
            return (long)i;
    return -1;
}

/* What becomes of a letter that is ours and meant; GO: *value is what goes. */
static enum redrive_fate judge(struct run *run, uint32_t partition, const struct kafka_letter *letter, size_t *source,
                               uint32_t *to, struct bytes *value) {
    bool was_sent = redrive_ranges_has(&run->sent[partition], letter->offset);
    enum redrive_fate fate = redrive_judge(&run->rules, letter, was_sent, source, to);
    if (fate == REDRIVE_GO && !redrive_value(letter, run->arena, value))
        fate = REDRIVE_NO_ENTRY;
    if (fate == REDRIVE_GO && find_refused(run, partition, letter->offset) >= 0)
        return REDRIVE_REFUSED;
    if (fate == REDRIVE_GO && run->result->sent + run->going >= run->options->limit)
        fate = REDRIVE_LIMIT;
    return fate;
}

/* The letter at fault is held back once it was alone; before that, its transaction is made smaller. */
static void narrow(struct run *run, uint32_t partition, const struct err *e) {
    size_t count = redrive_batch_count(run->batch);
    if (count > 1) {
        run->most = (count + NARROWING - 1) / NARROWING;
        run->suspect.partition = partition;
        run->suspect.last = redrive_batch_last(run->batch);
    } else if (run->n_refused == REFUSED_MOST) {
        return;
    } else {
        run->refused[run->n_refused].partition = partition;
        run->refused[run->n_refused++].offset = redrive_batch_first(run->batch);
        run->most = run->options->batch;
        LOG_ERR(LOG_LEVEL_WARN, "letter_refused", e);
    }
    run->suspect.anew = true;
}

static void widen(struct run *run, uint32_t partition) {
    if (partition != run->suspect.partition || redrive_batch_last(run->batch) >= run->suspect.last)
        run->most = run->options->batch;
}

static bool send(struct run *run, uint32_t partition, struct err *e) {
    size_t count = redrive_batch_count(run->batch);
    if (!count)
        return true;
    bool sent = redrive_batch_send(run->batch, run->sendback, partition, e);
    if (sent) {
        run->result->sent += count;
        run->result->transactions++;
        run->going -= count;
        widen(run, partition);
    } else {
        run->unknown.partition = partition;
        run->unknown.first = redrive_batch_first(run->batch);
        run->unknown.count = count;
        if (kafka_sendback_refused_letter(run->sendback))
            narrow(run, partition, e);
    }
    redrive_batch_drop(run->batch, run->most);
    progress(run, "sending", false);
    return sent;
}

/* A line was written when it was still to go. */
static void tell_refused(struct run *run, uint32_t partition, const struct kafka_letter *letter) {
    long i = find_refused(run, partition, letter->offset);
    if (run->refused[i].told)
        return;
    run->refused[i].told = true;
    redrive_table_refused(&run->result->table, letter);
    if (run->options->lines)
        redrive_line_write(run->options->out, &run->text, partition, letter, REDRIVE_REFUSED);
}

static bool take_letter(struct run *run, uint32_t partition, const struct kafka_letter *letter, bool sending,
                        struct err *e) {
    struct redrive_table *table = &run->result->table;
    size_t source = 0;
    uint32_t to = 0;
    struct bytes value;
    bool meant = redrive_meant(&run->options->filter, letter);
    enum redrive_fate fate = meant ? judge(run, partition, letter, &source, &to, &value) : REDRIVE_LIMIT;
    run->going += fate == REDRIVE_GO || fate == REDRIVE_REFUSED; /* what --limit counts */
    if (!sending) {
        table->not_meant += !meant;
        if (meant)
            redrive_table_add(table, letter, fate, to);
        if (meant && run->options->lines)
            redrive_line_write(run->options->out, &run->text, partition, letter, fate);
        return true;
    }
    if (fate == REDRIVE_GO)
        redrive_batch_add(run->batch, letter, value, source, to);
    else if (fate != REDRIVE_SENT)
        redrive_batch_pass(run->batch);
    if (fate == REDRIVE_REFUSED)
        tell_refused(run, partition, letter);
    return !redrive_batch_full(run->batch) || send(run, partition, e);
}

static bool pass(struct run *run, uint32_t partition, bool sending, struct err *e) {
    const struct kafka_letter *letter;
    if (!kafka_letters_open(run->letters, partition, run->ends[partition], e))
        return false;
    for (;;) {
        if (!kafka_letters_next(run->letters, &letter, e))
            return false;
        if (!letter)
            return !sending || send(run, partition, e);
        bool mine = ours(run, letter);
        run->read++;
        progress(run, sending ? "sending" : "reading", false);
        if (letter->kind == DEAD_LETTER_IS_LETTER && mine) {
            if (!take_letter(run, partition, letter, sending, e))
                return false;
        } else if (!sending) {
            if (letter->kind == DEAD_LETTER_IS_LETTER)
                redrive_table_other(&run->result->table, letter);
            run->result->table.strange += is_strange(run, partition, letter);
        }
    }
}

/* ---- all of them ---- */

static bool read_all_receipts(struct run *run, struct err *e) {
    for (uint32_t p = 0; p < kafka_letters_partitions(run->letters); p++)
        if (!read_receipts(run, p, e))
            return false;
    if (run->unknown.count && redrive_ranges_has(&run->sent[run->unknown.partition], run->unknown.first)) {
        run->result->sent += run->unknown.count;
        run->result->transactions++;
    }
    run->unknown.count = 0;
    return true;
}

static bool pass_all(struct run *run, bool sending, struct err *e) {
    run->read = run->going = 0;
    if (run->batch)
        redrive_batch_drop(run->batch, run->most);
    for (uint32_t p = 0; p < kafka_letters_partitions(run->letters); p++)
        if (!pass(run, p, sending, e))
            return false;
    return true;
}

static bool find_ends(struct run *run, struct err *e) {
    for (uint32_t p = 0; p < kafka_letters_partitions(run->letters); p++) {
        int64_t first;
        if (!kafka_letters_bounds(run->letters, p, &first, &run->ends[p], e))
            return false;
    }
    return true;
}

static bool passes_by_itself(enum err_code code) {
    return err_class(code) == ERR_CLASS_RETRY || code == ERR_ABORTED || code == ERR_STALLED ||
           code == ERR_UNKNOWN_OUTCOME || code == ERR_BROKER;
}

static bool send_once(struct run *run, bool anew, struct err *e) {
    return (!anew || (kafka_sendback_init(run->sendback, e) && read_all_receipts(run, e))) && pass_all(run, true, e);
}

/* After a failure that may pass all begins anew: the id, the receipts, the letters. */
static bool send_all(struct run *run, struct err *e) {
    uint64_t before = run->result->transactions;
    int tries = 0;
    for (bool anew = false; !send_once(run, anew, e); anew = true) {
        if (run->suspect.anew) {
            run->suspect.anew = false;
            continue;
        }
        tries = run->result->transactions > before ? 1 : tries + 1;
        before = run->result->transactions;
        if (!passes_by_itself(e->code) || tries >= TRIES)
            return false;
        LOG_ERR(LOG_LEVEL_WARN, "redrive_begins_anew", e);
    }
    progress(run, "sending", true);
    return true;
}

static bool work(struct run *run, struct err *e) {
    if (run->sendback && !kafka_sendback_init(run->sendback, e))
        return false;
    if (!find_ends(run, e) || !read_all_receipts(run, e) || !pass_all(run, false, e))
        return false;
    progress(run, "reading", true);
    return !run->sendback || !redrive_table_count(&run->result->table, REDRIVE_GO) || send_all(run, e);
}

/* ---- making and ending ---- */

static void prepare(struct run *run, const struct settings *settings) {
    run->conf = settings_kafka(settings, 0);
    kafka_conf_group(&run->conf, run->group);
    for (size_t i = 0; i < settings->n_sources; i++)
        run->topics[i] = run->seen[i].name = settings->sources[i].topic;
    run->rules = (struct redrive_rules){
        .filter = run->options->filter,
        .group = bytes_of(run->group),
        .sources = run->sources,
        .n_sources = settings->n_sources,
        .again = run->options->again,
        .old = run->options->old,
        .now = clock_wall_ms(),
    };
}

static bool open_all(struct run *run, const struct settings *settings, struct err *e) {
    run->letters =
        kafka_letters_new(&run->conf, settings->outputs.dead_letters, run->seen, settings->n_sources, e);
    if (!run->letters)
        return false;
    for (size_t i = 0; i < settings->n_sources; i++)
        run->sources[i] = (struct redrive_source){run->topics[i], run->seen[i].partitions, run->seen[i].retention,
                                                  settings->sources[i].trust_partition};
    size_t n = kafka_letters_partitions(run->letters);
    run->ends = calloc(n, sizeof *run->ends);
    run->sent = calloc(n, sizeof *run->sent);
    run->arena = arena_new(ARENA_LIMIT);
    MUST(run->ends && run->sent);
    if (!run->options->send)
        return true;
    run->batch = redrive_batch_new(run->options->batch);
    run->sendback =
        kafka_sendback_new(&run->conf, run->topics, settings->n_sources, settings->outputs.dead_letters, e);
    return run->sendback != NULL;
}

static void close_all(struct run *run) {
    for (size_t p = 0; run->sent && p < kafka_letters_partitions(run->letters); p++)
        redrive_ranges_fini(&run->sent[p]);
    kafka_sendback_free(&run->sendback);
    redrive_batch_free(&run->batch);
    kafka_letters_free(&run->letters);
    arena_free(&run->arena);
    text_free(&run->text);
    free(run->ends);
    free(run->sent);
}

bool redrive_run(const struct settings *settings, const struct redrive_options *options,
                 struct redrive_result *result, struct err *e) {
    struct run *run = calloc(1, sizeof *run);
    MUST(run);
    run->options = options;
    run->most = options->batch;
    run->result = result;
    *result = (struct redrive_result){.sent = 0};
    prepare(run, settings);
    bool good = open_all(run, settings, e) && work(run, e);
    close_all(run);
    free(run);
    return good;
}
