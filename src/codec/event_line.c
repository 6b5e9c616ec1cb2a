/* The event line, written. */
#include "codec/event_line.h"

#include <leadstream/when.h>

static void put(struct text *text, const char *key, struct bytes value) {
    text_put(text, key, strlen(key));
    text_json_string(text, value);
}

void event_line_json(struct text *text, const struct event *event) {
    char time[WHEN_TEXT];
    size_t n = when_format(event->time, time);
    put(text, "{\"lead\":", event->lead);
    put(text, ",\"id\":", event->id);
    put(text, ",\"type\":", event->type);
    put(text, ",\"time\":", (struct bytes){(const uint8_t *)time, n});
    if (event->machine)
        text_put(text, ",\"machine\":true", 15);
    const char *before = ",\"fields\":{";
    for (uint32_t i = 0; i < event->n_fields; i++) {
        put(text, before, event->fields[i].name);
        if (event->fields[i].value.n)
            put(text, ":", event->fields[i].value);
        else
            text_put(text, ":null", 5);
        before = ",";
    }
    text_put(text, "}}", event->n_fields ? 2 : 1);
}
