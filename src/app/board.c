/* The board keeps one row a lead and a ring of the latest sales-ready leads with their reasons. Records come as JSON
 * text; what it shows are the texts and numbers that stand there, not figures of its own. */
#include "app/board.h"

#include "codec/json_tree.h"
#include <leadstream/decimal.h>
#include <leadstream/when.h>
#include <stdlib.h>
#include <sys/ioctl.h>

enum { TOP = 10, READY = 5, COOLED = 3, TEXT = 64, REASONS = 160, PARSE = 256 * 1024 };
enum { FRAME = 18 /* lines of a full board without its leads, and the cursor's */, TALL = 50 };

struct row {
    char lead[TEXT];
    int64_t total; /* hundredths */
    int64_t before;
    uint8_t stage;
    char grade[4];
    char route[TEXT];
};

struct ready {
    char lead[TEXT], at[WHEN_TEXT], total[DECIMAL_TEXT], route[TEXT], reasons[REASONS];
};

/* A lead that fell by time alone. */
struct cooled {
    char lead[TEXT], at[WHEN_TEXT], total[DECIMAL_TEXT];
    uint8_t from, to;
};

struct board {
    const struct model *model;
    FILE *to;
    bool lives;
    struct arena *arena;
    struct row *rows; /* sorted by lead */
    size_t n, cap;
    size_t *order;
    struct ready latest[READY];
    struct cooled fallen[COOLED];
    uint64_t n_ready, n_changes, n_cooled, shown_ready, shown_cooled;
    size_t height, drawn; /* lines of the screen, and on it */
    double printed;       /* seconds, of the last plain line */
    uint64_t last_sent;
    double last_seconds, rate;
};

struct board *board_new(const struct model *model, FILE *to, bool lives, size_t leads) {
    struct board *board = calloc(1, sizeof *board);
    MUST(board != NULL);
    *board = (struct board){.model = model, .to = to, .lives = lives, .cap = leads, .printed = -2};
    board->arena = arena_new((size_t)4 * PARSE);
    board->rows = calloc(leads, sizeof *board->rows);
    board->order = calloc(leads, sizeof *board->order);
    MUST(board->rows && board->order);
    return board;
}

void board_free(struct board **board) {
    if (!*board)
        return;
    arena_free(&(*board)->arena);
    free((*board)->rows);
    free((*board)->order);
    free(*board);
    *board = NULL;
}

/* ---- records ---- */

static struct bytes text_of(const struct json_node *node, const char *key) {
    const struct json_node *value = json_tree_get(node, bytes_of(key));
    return value && (value->kind == JSON_STRING || value->kind == JSON_NUMBER) ? value->text : (struct bytes){NULL, 0};
}

static void copy(char *out, size_t n, struct bytes text) {
    size_t m = text.n < n - 1 ? text.n : n - 1;
    if (m)
        memcpy(out, text.at, m);
    out[m] = 0;
}

/* The row of a lead, made if it is new; NULL: the board is full. */
static struct row *row_of(struct board *board, const char *lead) {
    size_t low = 0, high = board->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(board->rows[middle].lead, lead) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < board->n && !strcmp(board->rows[low].lead, lead))
        return &board->rows[low];
    if (board->n == board->cap)
        return NULL;
    memmove(&board->rows[low + 1], &board->rows[low], (board->n - low) * sizeof *board->rows);
    board->n++;
    board->rows[low] = (struct row){.total = 0};
    copy(board->rows[low].lead, TEXT, bytes_of(lead));
    return &board->rows[low];
}

static void drop_row(struct board *board, const char *lead) {
    struct row *row = row_of(board, lead);
    if (!row)
        return;
    size_t at = (size_t)(row - board->rows);
    memmove(row, row + 1, (board->n - at - 1) * sizeof *row);
    board->n--;
}

static uint8_t stage_of(const struct model *model, struct bytes name) {
    for (uint8_t i = 0; i < model->n_stages; i++)
        if (bytes_equal(model->stages[i].name, name))
            return i;
    return 0;
}

static void cooled(struct board *board, const struct json_node *record, const struct row *row, uint8_t to) {
    memmove(&board->fallen[1], &board->fallen[0], (COOLED - 1) * sizeof board->fallen[0]);
    struct cooled *c = &board->fallen[0];
    copy(c->lead, sizeof c->lead, bytes_of(row->lead));
    copy(c->at, sizeof c->at, text_of(record, "at"));
    copy(c->total, sizeof c->total, text_of(record, "total"));
    c->from = row->stage;
    c->to = to;
    board->n_cooled++;
}

static void changed(struct board *board, const struct json_node *record, const char *lead) {
    struct row *row = row_of(board, lead);
    if (!row)
        return;
    uint8_t stage = stage_of(board->model, text_of(record, "stage"));
    board->n_changes++;
    if (stage < row->stage && bytes_is(text_of(record, "trigger"), "time"))
        cooled(board, record, row, stage);
    row->before = row->total;
    row->stage = stage;
    if (decimal_scaled(text_of(record, "total"), 2, INT64_MAX, &row->total) != DECIMAL_OK)
        row->total = 0;
    copy(row->grade, sizeof row->grade, text_of(record, "grade"));
    copy(row->route, sizeof row->route, text_of(record, "route"));
}

static void ready(struct board *board, const struct json_node *record, const char *lead) {
    memmove(&board->latest[1], &board->latest[0], (READY - 1) * sizeof board->latest[0]);
    struct ready *r = &board->latest[0];
    copy(r->lead, sizeof r->lead, bytes_of(lead));
    copy(r->at, sizeof r->at, text_of(record, "at"));
    copy(r->total, sizeof r->total, text_of(record, "total"));
    copy(r->route, sizeof r->route, text_of(record, "route"));
    size_t n = 0;
    const struct json_node *reasons = json_tree_get(record, bytes_of("reasons"));
    for (const struct json_node *one = reasons ? reasons->first : NULL; one && n < REASONS - 1; one = one->next) {
        struct bytes rule = text_of(one, "rule"), points = text_of(one, "points");
        if (!rule.n)
            continue;
        int wrote = snprintf(r->reasons + n, REASONS - n, "%s%.*s %.*s", n ? ", " : "", (int)rule.n,
                             (const char *)rule.at, (int)points.n, (const char *)points.at);
        n += wrote > 0 ? (size_t)wrote : 0;
    }
    if (!n)
        r->reasons[0] = 0;
    board->n_ready++;
}

void board_record(struct board *board, struct bytes json) {
    struct err e;
    arena_reset(board->arena);
    const struct json_node *record = json.n < PARSE ? json_tree_parse(json, board->arena, &e) : NULL;
    if (!record)
        return;
    char lead[TEXT];
    copy(lead, sizeof lead, text_of(record, "lead"));
    struct bytes kind = text_of(record, "kind");
    if (bytes_is(kind, "score_changed"))
        changed(board, record, lead);
    else if (bytes_is(kind, "sales_ready"))
        ready(board, record, lead);
    else if (bytes_is(kind, "erased"))
        drop_row(board, lead);
}

/* ---- drawing ---- */

static void line(struct board *board, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(struct board *board, const char *format, ...) {
    va_list args;
    if (board->lives && board->drawn + 1 >= board->height)
        return; /* one more would push the first off the screen */
    va_start(args, format);
    vfprintf(board->to, format, args);
    va_end(args);
    fputs(board->lives ? "\033[K\n" : "\n", board->to);
    board->drawn++;
}

/* The terminal may change its size at any time. */
static void measure(struct board *board) {
    struct winsize size = {0};
    bool known = !ioctl(fileno(board->to), TIOCGWINSZ, &size) && size.ws_row;
    board->height = known ? size.ws_row : TALL;
}

/* Sorts the first `most` of board->order by total, highest first. */
static size_t top_rows(struct board *board, size_t most) {
    size_t shown = board->n < most ? board->n : most;
    for (size_t i = 0; i < board->n; i++)
        board->order[i] = i;
    for (size_t i = 0; i < shown; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < board->n; j++)
            if (board->rows[board->order[j]].total > board->rows[board->order[best]].total)
                best = j;
        size_t swap = board->order[i];
        board->order[i] = board->order[best];
        board->order[best] = swap;
    }
    return shown;
}

static void draw_stages(struct board *board) {
    size_t counts[MODEL_MAX_STAGES] = {0};
    for (size_t i = 0; i < board->n; i++)
        counts[board->rows[i].stage]++;
    char text[512];
    size_t n = 0;
    for (uint16_t s = 0; s < board->model->n_stages && n < sizeof text - 1; s++) {
        int wrote =
            snprintf(text + n, sizeof text - n, "%s%.*s %zu", s ? "   " : "", (int)board->model->stages[s].name.n,
                     (const char *)board->model->stages[s].name.at, counts[s]);
        n += wrote > 0 ? (size_t)wrote : 0;
    }
    line(board, "leads %zu   %s", board->n, n ? text : "");
}

static void draw_cooled(struct board *board, const struct cooled *c) {
    const struct model_stage *from = &board->model->stages[c->from], *to = &board->model->stages[c->to];
    line(board, "  %s  %-16.16s %7s  %.*s -> %.*s", c->at, c->lead, c->total, (int)from->name.n,
         (const char *)from->name.at, (int)to->name.n, (const char *)to->name.at);
}

static void draw(struct board *board, int64_t now, uint64_t sent) {
    char when[WHEN_TEXT];
    when_format(now, when);
    fputs("\033[?7l\033[H", board->to); /* a line longer than the screen is cut, not wrapped */
    measure(board);
    board->drawn = 0;
    size_t top = board->height > FRAME + TOP ? TOP : board->height > FRAME ? board->height - FRAME : 1;
    line(board, "leadstream demo   %.16s UTC (simulated)   %llu events, %.0f a second   Ctrl-C ends it", when,
         (unsigned long long)sent, board->rate);
    draw_stages(board);
    line(board, "score changes %llu   cooled by time alone %llu   sales-ready %llu",
         (unsigned long long)board->n_changes, (unsigned long long)board->n_cooled, (unsigned long long)board->n_ready);
    line(board, "%s", "");
    line(board, "%4s  %-16s %8s %8s  %-6s %-6s %s", "rank", "lead", "total", "change", "stage", "grade", "route");
    size_t shown = top_rows(board, top);
    for (size_t i = 0; i < top; i++) {
        if (i >= shown) {
            line(board, "%s", "");
            continue;
        }
        const struct row *r = &board->rows[board->order[i]];
        const struct model_stage *stage = board->model->n_stages ? &board->model->stages[r->stage] : NULL;
        char total[DECIMAL_TEXT], change[DECIMAL_TEXT];
        decimal_format(r->total, total);
        decimal_format(r->total - r->before, change);
        line(board, "%4zu  %-16.16s %8s %s%7s  %-6.*s %-6s %s", i + 1, r->lead, total, r->total > r->before ? "+" : " ",
             change, stage ? (int)stage->name.n : 0, stage ? (const char *)stage->name.at : "", r->grade, r->route);
    }
    line(board, "%s", "");
    line(board, "latest sales-ready leads");
    for (size_t i = 0; i < READY && i < board->n_ready; i++) {
        const struct ready *r = &board->latest[i];
        line(board, "  %.16s  %-16.16s %7s  %-18.18s %.60s", r->at, r->lead, r->total, r->route, r->reasons);
    }
    line(board, "%s", "");
    line(board, "latest to cool by time alone, no event, at the very instant");
    for (size_t i = 0; i < COOLED && i < board->n_cooled; i++)
        draw_cooled(board, &board->fallen[i]);
    fputs("\033[J\033[?7h", board->to);
}

/* Each sales-ready lead once, and now and then how things stand. */
static void print(struct board *board, int64_t now, double seconds, uint64_t sent) {
    uint64_t fresh = board->n_ready - board->shown_ready;
    for (size_t i = fresh < READY ? (size_t)fresh : READY; i-- > 0;) {
        const struct ready *r = &board->latest[i];
        line(board, "%.16s sales-ready %s total %s route %s because %s", r->at, r->lead, r->total, r->route,
             r->reasons);
    }
    board->shown_ready = board->n_ready;
    fresh = board->n_cooled - board->shown_cooled;
    for (size_t i = fresh < COOLED ? (size_t)fresh : COOLED; i-- > 0;) {
        fputs("cooled", board->to);
        draw_cooled(board, &board->fallen[i]);
    }
    board->shown_cooled = board->n_cooled;
    if (seconds - board->printed < 2)
        return;
    board->printed = seconds;
    char when[WHEN_TEXT];
    when_format(now, when);
    fprintf(board->to, "%.16s %llu events, %.0f a second, %llu score changes, %llu cooled by time alone; ", when,
            (unsigned long long)sent, board->rate, (unsigned long long)board->n_changes,
            (unsigned long long)board->n_cooled);
    draw_stages(board);
}

void board_show(struct board *board, int64_t now, double seconds, uint64_t sent) {
    if (seconds - board->last_seconds >= 1) {
        board->rate = (double)(sent - board->last_sent) / (seconds - board->last_seconds);
        board->last_seconds = seconds;
        board->last_sent = sent;
    }
    if (board->lives)
        draw(board, now, sent);
    else
        print(board, now, seconds, sent);
    fflush(board->to);
}

void board_summary(struct board *board, int64_t now, double seconds, uint64_t sent) {
    board->printed = -2;
    if (board->lives)
        fputs("\n", board->to);
    board->lives = false;
    board->rate = seconds > 0 ? (double)sent / seconds : 0;
    print(board, now, seconds, sent);
    fflush(board->to);
}
