/* `leadstream generate`: realistic traffic as JSON lines (app/traffic makes it), to a file or to a topic. */
#include "app/cmd.h"

#include "adapters/kafka_feed.h"
#include "app/cmd_say.h"
#include "app/settings.h"
#include "app/traffic.h"
#include "codec/event_line.h"
#include <errno.h>
#include <getopt.h>
#include <leadstream/decimal.h>
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

static const char name[] = "generate";
static const char help[] =
    "usage: leadstream generate [OPTION..]\n"
    "\n"
    "Writes the events of invented leads who visit, read, fill forms, go quiet, come back and buy, and of mail\n"
    "scanners that click everything. The same options give the same events, on every machine.\n"
    "\n"
    "      --events N         lines to write (default: 10000)\n"
    "      --leads N          leads (default: 400)\n"
    "      --days D           the days over which the events come, about (default: 90)\n"
    "      --from TIME        when it begins (default: 2026-01-01T00:00:00Z)\n"
    "      --seed S           another number, other leads (default: 1)\n"
    "      --duplicates P%    so many come twice (default: 0%)\n"
    "      --late P%          so many come minutes to two days late (default: 0%)\n"
    "      --rubbish P%       so many lines are no events (default: 0%)\n"
    "  -o, --output FILE      - is the standard output (default: -)\n"
    "  -c, --config CONFIG    to the cluster of this configuration instead, keyed by lead, to\n"
    "      --topic TOPIC      .. this topic (a source with `format: json` reads them as they are)\n"
    "\n"
    "Exit codes: 0 done, 1 the configuration is wrong, 2 usage, 3 the file or the topic cannot be written.\n"
    "\n"
    "example: leadstream generate --events 50000 --duplicates 1% --late 2% --rubbish 0.1% -o events.jsonl\n"
    "         leadstream generate --events 50000 -c leadstream.yaml --topic marketing.events\n";

struct options {
    struct traffic_options traffic;
    const char *output;
    const char *config, *topic; /* both or neither */
};

static int read_options(int argc, char **argv, struct options *o, bool *done);
static int to_file(const struct options *o);
static int to_topic(const struct options *o);

int cmd_generate(int argc, char **argv) {
    struct options o;
    bool done = false;
    int code = read_options(argc, argv, &o, &done);
    if (code || done)
        return code;
    return o.topic ? to_topic(&o) : to_file(&o);
}

/* Hands every line (its newline last) and its lead to `put`, until that says no. */
static bool make_all(const struct options *o, bool (*put)(void *self, struct bytes lead, struct bytes line), void *self) {
    struct traffic *traffic = traffic_new(&o->traffic);
    struct arena *arena = arena_new((size_t)1 << 20);
    struct text text = {0};
    bool written = true;
    for (uint64_t i = 0; i < o->traffic.events && written; i++) {
        struct traffic_item item;
        arena_reset(arena);
        traffic_next(traffic, arena, &item);
        text.n = 0;
        traffic_item_text(&text, &item);
        text_put(&text, "\n", 1);
        written = put(self, item.event.lead, (struct bytes){(const uint8_t *)text.at, text.n});
    }
    text_free(&text);
    arena_free(&arena);
    traffic_free(&traffic);
    return written;
}

/* ---- where they go ---- */

static bool put_line(void *file, struct bytes lead, struct bytes line) {
    (void)lead;
    return fwrite(line.at, 1, line.n, file) == line.n;
}

static int to_file(const struct options *o) {
    bool to_stdout = !strcmp(o->output, "-");
    FILE *file = to_stdout ? stdout : fopen(o->output, "we");
    if (!file)
        return cmd_say(EXIT_WORLD, name, "%.200s: %s", o->output, strerror(errno));
    bool written = make_all(o, put_line, file);
    int why = errno;
    if ((to_stdout ? fflush(file) : fclose(file)) != 0 && written) {
        written = false;
        why = errno;
    }
    if (!written)
        return cmd_say(EXIT_WORLD, name, "%.200s: %s", to_stdout ? "standard output" : o->output, strerror(why));
    return EXIT_DONE;
}

struct sending {
    struct kafka_feed *feed;
    struct err err;
};

static bool put_record(void *self, struct bytes lead, struct bytes line) {
    struct sending *sending = self;
    return kafka_feed_send(sending->feed, lead, (struct bytes){line.at, line.n - 1}, &sending->err);
}

static int to_topic(const struct options *o) {
    struct problems problems = {.file = o->config};
    struct settings *settings = settings_load(o->config, &problems);
    problems_print(&problems, stderr);
    problems_fini(&problems);
    if (!settings)
        return EXIT_INPUT;
    struct kafka_conf conf = settings_kafka(settings, 0);
    struct sending sending = {.err = {.code = ERR_NONE}};
    sending.feed = kafka_feed_new(&conf, o->topic, &sending.err);
    bool sent = sending.feed && make_all(o, put_record, &sending) && kafka_feed_flush(sending.feed, &sending.err);
    kafka_feed_free(&sending.feed);
    settings_free(&settings);
    if (sent)
        return EXIT_DONE;
    return cmd_say_err(sending.err.code == ERR_CONFIG ? EXIT_INPUT : EXIT_WORLD, name, &sending.err);
}

/* ---- options ---- */

static int read_count(const char *option, const char *given, uint64_t most, uint64_t *out) {
    int64_t value;
    if (decimal_scaled(bytes_of(given), 0, (int64_t)most, &value) == DECIMAL_OK && value >= 1) {
        *out = (uint64_t)value;
        return 0;
    }
    return cmd_say(EXIT_USAGE, name, "%s \"%.200s\" is not a number from 1 to %llu", option, given,
                   (unsigned long long)most);
}

/* "0.1%": of a million. */
static int read_share(const char *option, const char *given, uint32_t *per_million) {
    size_t n = strlen(given);
    int64_t value;
    if (n && given[n - 1] == '%' &&
        decimal_scaled((struct bytes){(const uint8_t *)given, n - 1}, 4, 1000000, &value) == DECIMAL_OK && value >= 0) {
        *per_million = (uint32_t)value;
        return 0;
    }
    return cmd_say(EXIT_USAGE, name, "%s \"%.200s\" is not a share from 0%% to 100%% (try 1%%)", option, given);
}

static int read_from(const char *given, int64_t *from) {
    if (!when_parse(bytes_of(given), from))
        return cmd_say(EXIT_USAGE, name, "--from \"%.200s\" is not RFC 3339 (try 2026-01-01T00:00:00Z)", given);
    return 0;
}

static int read_option(int option, const char *given, struct options *o) {
    struct traffic_options *t = &o->traffic;
    uint64_t count = 1;
    int code = 0;
    switch (option) {
    case 'e': return read_count("--events", given, UINT64_C(1000000000000), &t->events);
    case 'l':
        code = read_count("--leads", given, 100000000, &count);
        t->leads = (uint32_t)count;
        return code;
    case 'd':
        code = read_count("--days", given, 3650, &count);
        t->days = (uint32_t)count;
        return code;
    case 's': return read_count("--seed", given, INT64_MAX, &t->seed);
    case 'f': return read_from(given, &t->from);
    case 'D': return read_share("--duplicates", given, &t->duplicates);
    case 'L': return read_share("--late", given, &t->late);
    case 'R': return read_share("--rubbish", given, &t->rubbish);
    case 'c': o->config = given; return 0;
    case 't': o->topic = given; return 0;
    default: o->output = given; return 0;
    }
}

static int read_options(int argc, char **argv, struct options *o, bool *done) {
    static const struct option options[] = {
        {"events", required_argument, NULL, 'e'},
        {"leads", required_argument, NULL, 'l'},
        {"days", required_argument, NULL, 'd'},
        {"from", required_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'},
        {"duplicates", required_argument, NULL, 'D'},
        {"late", required_argument, NULL, 'L'},
        {"rubbish", required_argument, NULL, 'R'},
        {"output", required_argument, NULL, 'o'},
        {"config", required_argument, NULL, 'c'},
        {"topic", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    *o = (struct options){.traffic = {.seed = 1, .leads = 400, .events = 10000, .days = 90}, .output = "-"};
    MUST(when_parse(bytes_of("2026-01-01T00:00:00Z"), &o->traffic.from));
    opterr = 0;
    optind = 1;
    int code = 0;
    for (int option; !code && (option = getopt_long(argc, argv, ":o:c:h", options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(help, stdout);
            *done = true;
            return EXIT_DONE;
        }
        if (option == ':' || option == '?')
            return cmd_say_option(name, option, argv);
        code = read_option(option, optarg, o);
    }
    if (!code && optind < argc)
        return cmd_say(EXIT_USAGE, name, "\"%.200s\" is too much (a file is given by --output)", argv[optind]);
    if (!code && !o->config != !o->topic)
        return cmd_say(EXIT_USAGE, name, "--config and --topic go together");
    /* The story may go on for a while after its days. */
    int64_t last = WHEN_LAST - 3 * (int64_t)o->traffic.days * WHEN_DAY;
    if (!code && (o->traffic.from < WHEN_FIRST || o->traffic.from > last))
        return cmd_say(EXIT_USAGE, name, "--from and --days lead out of 2000-01-01 to 2100-01-01");
    return code;
}
