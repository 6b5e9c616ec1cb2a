/* Options of `score`: each is checked when it is read, so that what is wrong is said before any file is opened. */
#include "app/score_options.h"

#include "app/cmd.h"
#include "app/cmd_say.h"
#include <errno.h>
#include <getopt.h>
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

static const char name[] = "score";
static const char help[] =
    "usage: leadstream score [OPTION..] FILE..\n"
    "\n"
    "Scores the events of FILEs (JSON lines, or Avro container files with the shipped schemas; - is the standard\n"
    "input) and prints the leads, highest first.\n"
    "Several files are merged by time, each read in its own order.\n"
    "\n"
    "  -m, --model MODEL        the model (default: model.yaml)\n"
    "      --at TIME            as of this time; later lines are passed over (default: the newest time of all lines)\n"
    "      --changes            print the records that would be published, by time and lead\n"
    "      --reasons            with each lead: every reason of its score, and its profile\n"
    "      --output FORMAT      table or jsonl (default: table on a terminal, else jsonl)\n"
    "      --dead-letters FILE  keep bad lines there, as JSON lines; they are then no error\n"
    "\n"
    "Exit codes: 0 done, 1 bad lines or a bad model, 2 usage, 3 a file cannot be read or written.\n"
    "\n"
    "example: leadstream score -m config/model.yaml --at 2026-11-22T10:00:00Z --reasons events.jsonl\n";

/* RFC 3339, or integer milliseconds as in events. */
static bool read_time(const char *text, int64_t *ms) {
    if (when_parse(bytes_of(text), ms))
        return true;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *ms = value;
    return (*text == '-' || (*text >= '0' && *text <= '9')) && end != text && !*end && !errno;
}

static int read_at(const char *text, int64_t *at) {
    if (!read_time(text, at))
        return cmd_say(EXIT_USAGE, name, "--at \"%.200s\" is not RFC 3339 (try 2026-11-22T10:00:00Z)", text);
    if (*at < WHEN_FIRST || *at > WHEN_LAST)
        return cmd_say(EXIT_USAGE, name, "--at \"%.200s\" is not within 2000-01-01 to 2100-01-01", text);
    return 0;
}

static int read_output(const char *text, enum score_output *output) {
    *output = !strcmp(text, "table") ? SCORE_OUTPUT_TABLE : SCORE_OUTPUT_JSONL;
    if (*output == SCORE_OUTPUT_JSONL && strcmp(text, "jsonl") != 0)
        return cmd_say(EXIT_USAGE, name, "--output \"%.200s\" is neither table nor jsonl", text);
    return 0;
}

int score_options_read(int argc, char **argv, struct score_options *o, bool *done) {
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'},  {"at", required_argument, NULL, 'a'},
        {"changes", no_argument, NULL, 'c'},      {"reasons", no_argument, NULL, 'r'},
        {"output", required_argument, NULL, 'o'}, {"dead-letters", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    *o = (struct score_options){.model = "model.yaml", .at = INT64_MAX};
    opterr = 0;
    optind = 1;
    int code = 0;
    for (int option; !code && (option = getopt_long(argc, argv, ":m:h", options, NULL)) != -1;) {
        switch (option) {
        case 'm': o->model = optarg; break;
        case 'a': code = read_at(optarg, &o->at); break;
        case 'c': o->changes = true; break;
        case 'r': o->reasons = true; break;
        case 'o': code = read_output(optarg, &o->output); break;
        case 'd': o->dead_letters = optarg; break;
        case 'h':
            fputs(help, stdout);
            *done = true;
            return EXIT_DONE;
        default: return cmd_say_option(name, option, argv);
        }
    }
    o->files = argv + optind;
    o->n_files = (size_t)(argc - optind);
    if (!code && !o->n_files)
        return cmd_say(EXIT_USAGE, name, "no file of events given (- is the standard input)");
    return code;
}
