/* Hex, as ids and values may be any bytes; read in place, as a value may be large. */
#include "app/inspect_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *hex_of(struct bytes b, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < b.n; i++) {
        *out++ = digits[b.at[i] >> 4];
        *out++ = digits[b.at[i] & 15];
    }
    return out;
}

static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of hex digits, written over them; false: not hex. */
static bool hex_read(char *text, struct bytes *out) {
    size_t n = strlen(text);
    if (n % 2)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        int high = digit(text[i]), low = digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        text[i / 2] = (char)(high << 4 | low);
    }
    *out = (struct bytes){(uint8_t *)text, n / 2};
    return true;
}

size_t inspect_line_ask(struct bytes lead, char out[INSPECT_LINE_QUESTION]) {
    MUST(lead.n <= EVENT_MAX_LEAD);
    char *end = hex_of(lead, out);
    memcpy(end, "\n", 2);
    return 2 * lead.n + 1;
}

bool inspect_line_question(char *line, struct bytes *lead) {
    return hex_read(line, lead) && lead->n > 0 && lead->n <= EVENT_MAX_LEAD;
}

char *inspect_line_answer(enum inspect_answer answer, struct bytes value) {
    MUST(answer != INSPECT_NOT_RUNNING);
    char *line = malloc(2 * value.n + 16);
    MUST(line != NULL);
    if (answer != INSPECT_VALUE) {
        memcpy(line, answer == INSPECT_NONE ? "none\n" : "elsewhere\n", answer == INSPECT_NONE ? 6 : 11);
        return line;
    }
    memcpy(line, "value ", 6);
    memcpy(hex_of(value, line + 6), "\n", 2);
    return line;
}

char *inspect_line_error(const char *words) {
    size_t n = strlen(words);
    char *line = malloc(n + 16);
    MUST(line != NULL);
    snprintf(line, n + 16, "error %s\n", words);
    return line;
}

bool inspect_line_read(char *line, enum inspect_answer *answer, struct bytes *value, struct err *e) {
    *value = (struct bytes){NULL, 0};
    if (!strcmp(line, "none"))
        *answer = INSPECT_NONE;
    else if (!strcmp(line, "elsewhere"))
        *answer = INSPECT_ELSEWHERE;
    else if (!strncmp(line, "error ", 6))
        return err_set(e, ERR_UNAVAILABLE, "the daemon", "%s", line + 6);
    else if (!strncmp(line, "value ", 6) && hex_read(line + 6, value))
        *answer = INSPECT_VALUE;
    else
        return err_set(e, ERR_CORRUPT, "the daemon", "its answer \"%.40s\" is not understood", line);
    return true;
}
