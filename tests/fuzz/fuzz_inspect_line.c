/* Any bytes as a line that `inspect` and the daemon say to each other: refused, or what is read is written the same. */
#include "app/inspect_line.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *text_of(const uint8_t *data, size_t size) {
    char *line = malloc(size + 1);
    MUST(line != NULL);
    memcpy(line, data, size);
    line[size] = 0;
    return line;
}

static void question(const uint8_t *data, size_t size) {
    char *line = text_of(data, size), *before = text_of(data, size), again[INSPECT_LINE_QUESTION];
    struct bytes lead;
    if (inspect_line_question(line, &lead)) {
        size_t n = inspect_line_ask(lead, again);
        MUST(n == strlen(before) + 1 && !memcmp(again, before, n - 1) && again[n - 1] == '\n');
    }
    free(line);
    free(before);
}

static void answer(const uint8_t *data, size_t size) {
    char *line = text_of(data, size), *before = text_of(data, size);
    enum inspect_answer what;
    struct bytes value;
    struct err e = {.code = ERR_NONE};
    if (inspect_line_read(line, &what, &value, &e)) {
        char *again = inspect_line_answer(what, value);
        MUST(strlen(again) == strlen(before) + 1 && !memcmp(again, before, strlen(before)));
        free(again);
    } else {
        MUST(e.code != ERR_NONE);
    }
    free(line);
    free(before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    question(data, size);
    answer(data, size);
    return 0;
}
