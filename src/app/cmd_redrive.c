/* `leadstream redrive`: dead letters looked at, and sent back to where they came from. */
#include "app/cmd.h"

#include "app/cmd_say.h"
#include "app/redrive_run.h"

#include <getopt.h>
#include <inttypes.h>
#include <leadstream/decimal.h>
#include <leadstream/event.h>
#include <leadstream/when.h>
#include <stdlib.h>
#include <unistd.h>

static const char name[] = "redrive";
static const char help[] =
    "usage: leadstream redrive -c CONFIG [OPTION..]\n"
    "\n"
    "Shows the dead letters of this configuration: why, how many, from where, and what would be sent back where.\n"
    "With --send it sends them back to the topics they came from, each exactly once, however often and wherever this\n"
    "is run. Mend the cause first: what is bad again becomes a new dead letter.\n"
    "\n"
    "  -c, --config CONFIG      the configuration\n"
    "      --send               send them; without it nothing is written anywhere\n"
    "      --code CODE          only letters with this code (poison is sent back only so)\n"
    "      --topic TOPIC        only letters from this topic\n"
    "      --partition N        only letters from this partition of their topic\n"
    "      --since TIME         only records that came then or later (RFC 3339)\n"
    "      --until TIME         only records that came then or before\n"
    "      --lead LEAD          only letters of this lead\n"
    "      --words TEXT         only letters whose reason has this in it\n"
    "      --limit N            send at most N letters, the first\n"
    "      --again              also letters that were sent back 3 times and came back\n"
    "      --old                also records older than their topic keeps them\n"
    "      --batch N            letters of one transaction, at most (default: 500)\n"
    "      --generation NAME    letters of another generation\n"
    "      --output FORM        table or jsonl, a line a letter (default: table)\n"
    "\n"
    "Exit codes: 0 done, 1 the configuration is wrong or letters that were to be sent are held back, 2 usage,\n"
    "3 the broker.\n"
    "\n"
    "example: leadstream redrive -c leadstream.yaml\n"
    "         leadstream redrive -c leadstream.yaml --code schema --topic web.events --send\n";

struct options {
    struct redrive_options run;
    const char *config, *generation;
};

/* ---- options ---- */

static int read_number(const char *option, const char *text, int64_t least, int64_t most, int64_t *out) {
    if (decimal_scaled(bytes_of(text), 0, most, out) == DECIMAL_OK && *out >= least)
        return 0;
    return cmd_say(EXIT_USAGE, name, "%s \"%.200s\" is not a number from %" PRId64 " to %" PRId64, option, text, least,
                   most);
}

static int read_time(const char *option, const char *text, int64_t *ms) {
    if (when_parse(bytes_of(text), ms))
        return 0;
    return cmd_say(EXIT_USAGE, name, "%s \"%.200s\" is not RFC 3339 (try 2026-11-22T10:00:00Z)", option, text);
}

static int read_code(const char *text, const char **code) {
    for (enum err_code c = ERR_NONE + 1; c < ERR_CODES_END; c++)
        if (err_class(c) == ERR_CLASS_REJECT && !strcmp(text, err_name(c))) {
            *code = text;
            return 0;
        }
    return cmd_say(EXIT_USAGE, name,
                   "--code \"%.200s\" is none that dead letters have (such as malformed, schema, misplaced)",
                   text);
}

static int read_output(const char *text, bool *lines) {
    *lines = !strcmp(text, "jsonl");
    if (*lines || !strcmp(text, "table"))
        return 0;
    return cmd_say(EXIT_USAGE, name, "--output \"%.200s\" is neither table nor jsonl", text);
}

static int read_lead(const char *text, const char **lead) {
    *lead = text;
    if (*text && strlen(text) <= EVENT_MAX_LEAD)
        return 0;
    return cmd_say(EXIT_USAGE, name, "--lead needs 1 to %d bytes", EVENT_MAX_LEAD);
}

static int read_generation(const char *text, const char **generation) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t n = strlen(text);
    *generation = text;
    if (n >= 1 && n <= 64 && strspn(text, letters) == n)
        return 0;
    return cmd_say(EXIT_USAGE, name, "--generation \"%.200s\" is not a name (1 to 64 of A-Z a-z 0-9 . _ -)", text);
}

static int read_option(int option, struct options *o) {
    struct redrive_filter *filter = &o->run.filter;
    int64_t number = 0;
    int code = 0;
    switch (option) {
    case 'c': o->config = optarg; break;
    case 'S': o->run.send = true; break;
    case 'A': o->run.again = true; break;
    case 'O': o->run.old = true; break;
    case 'C': return read_code(optarg, &filter->code);
    case 't': filter->topic = optarg; break;
    case 'p': return read_number("--partition", optarg, 0, INT32_MAX, &filter->partition);
    case 's': return read_time("--since", optarg, &filter->since);
    case 'u': return read_time("--until", optarg, &filter->until);
    case 'l': return read_lead(optarg, &filter->lead);
    case 'w': filter->words = optarg; break;
    case 'g': return read_generation(optarg, &o->generation);
    case 'o': return read_output(optarg, &o->run.lines);
    case 'n':
        code = read_number("--limit", optarg, 1, INT64_C(1000000000000), &number);
        o->run.limit = (uint64_t)number;
        break;
    default:
        code = read_number("--batch", optarg, 1, 10000, &number);
        o->run.batch = (size_t)number;
        break;
    }
    return code;
}

static int read_options(int argc, char **argv, struct options *o, bool *done) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},    {"send", no_argument, NULL, 'S'},
        {"again", no_argument, NULL, 'A'},           {"old", no_argument, NULL, 'O'},
        {"code", required_argument, NULL, 'C'},      {"topic", required_argument, NULL, 't'},
        {"partition", required_argument, NULL, 'p'}, {"since", required_argument, NULL, 's'},
        {"until", required_argument, NULL, 'u'},     {"lead", required_argument, NULL, 'l'},
        {"words", required_argument, NULL, 'w'},     {"limit", required_argument, NULL, 'n'},
        {"batch", required_argument, NULL, 'b'},     {"generation", required_argument, NULL, 'g'},
        {"output", required_argument, NULL, 'o'},    {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, code = 0;
    opterr = 0;
    optind = 1;
    while (!code && !*done && (option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            *done = true;
        } else if (option == ':' || option == '?') {
            code = cmd_say_option(name, option, argv);
        } else {
            code = read_option(option, o);
        }
    }
    if (!code && !*done && optind < argc)
        code = cmd_say(EXIT_USAGE, name, "\"%.200s\": no argument is expected", argv[optind]);
    if (!code && !*done && !o->config)
        code = cmd_say(EXIT_USAGE, name, "-c CONFIG is missing (see `leadstream redrive --help`)");
    return code;
}

/* ---- what is said of it ---- */

static bool finish(FILE *out, int *code) {
    if (fflush(out) == 0 && !ferror(out))
        return true;
    *code = cmd_say(EXIT_WORLD, name, "the output cannot be written");
    return false;
}

static uint64_t held(const struct redrive_table *table) {
    uint64_t n = 0;
    for (enum redrive_fate fate = REDRIVE_SENT + 1; fate < REDRIVE_LIMIT; fate++)
        n += redrive_table_count(table, fate);
    return n;
}

static void print_table(struct redrive_table *table) {
    struct text text = {0};
    redrive_table_print(table, &text);
    fwrite(text.at, 1, text.n, stdout);
    text_free(&text);
}

static void say_end(const struct options *o, const struct redrive_result *result) {
    uint64_t go = redrive_table_count(&result->table, REDRIVE_GO);
    if (o->run.send)
        fprintf(stderr, "leadstream redrive: %" PRIu64 " letter%s sent back in %" PRIu64 " transaction%s\n", result->sent,
                result->sent == 1 ? "" : "s", result->transactions, result->transactions == 1 ? "" : "s");
    else if (go)
        fprintf(stderr, "leadstream redrive: nothing was sent; --send sends %" PRIu64 " letter%s back\n", go,
                go == 1 ? "" : "s");
}

static int run(const struct settings *settings, const struct options *o) {
    struct redrive_result *result = calloc(1, sizeof *result);
    struct err e;
    MUST(result);
    int code = EXIT_DONE;
    bool good = redrive_run(settings, &o->run, result, &e);
    if (!o->run.lines && (good || result->table.n))
        print_table(&result->table);
    if (!finish(stdout, &code)) {
        free(result);
        return code;
    }
    if (good) {
        say_end(o, result);
        code = o->run.send && held(&result->table) ? EXIT_INPUT : EXIT_DONE;
    } else {
        if (e.code == ERR_FENCED)
            err_set(&e, ERR_FENCED, NULL, "another `leadstream redrive` of this generation has taken over");
        code = cmd_say_err(e.code == ERR_CONFIG ? EXIT_INPUT : EXIT_WORLD, name, &e);
        if (e.code == ERR_AUTH)
            cmd_say(code, name, "it needs, beyond what the daemon may: WRITE on the sources, READ on the dead letters");
        if (o->run.send)
            cmd_say(code, name, "%" PRIu64 " letters were sent back before that; the same command sends the others",
                    result->sent);
    }
    free(result);
    return code;
}

int cmd_redrive(int argc, char **argv) {
    struct options o = {.run = {.filter = {.partition = -1, .since = INT64_MIN, .until = INT64_MAX},
                                .limit = UINT64_MAX,
                                .batch = 500,
                                .out = stdout,
                                .progress = isatty(STDERR_FILENO)}};
    bool done = false;
    int code = read_options(argc, argv, &o, &done);
    if (code || done)
        return code;
    struct problems problems = {0};
    struct settings *settings = settings_load(o.config, &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    if (!settings)
        return EXIT_INPUT;
    if (o.generation)
        settings->generation = o.generation;
    code = run(settings, &o);
    settings_free(&settings);
    return code;
}
