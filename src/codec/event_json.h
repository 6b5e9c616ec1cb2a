/* JSON records -> events, by a mapping: an object is one event, an array of objects is one event an entry.
 *
 * Private to codec/decoder, which tells formats apart; `score` reads JSON lines through the decoder too. Beside it
 * stands event_avro, which keeps the same contract for Avro. One thread's; any bytes give events or a reason. */
#ifndef LEADSTREAM_EVENT_JSON_H
#define LEADSTREAM_EVENT_JSON_H

#include "codec/decoder.h"

struct event_json;

/* mapping must outlive it; model too: fields that it does not ask about are not handed over (NULL: all are). */
struct event_json *event_json_new(const struct mapping *mapping, const struct model *model);
void event_json_free(struct event_json **json);

/* Begins a record. False: the whole record is bad (REJECT). Events' texts point into the record or the arena. */
NODISCARD bool event_json_start(struct event_json *json, struct bytes record, struct arena *arena, struct err *e);

/* The record's next event; DECODER_BAD: this entry is bad (*e, a REJECT; event->lead is its lead if it is
 * known, else empty), go on with the next; DECODER_END: no more. *index counts the entries from 0. */
enum decoder_status event_json_next(struct event_json *json, struct event *event, uint32_t *index, struct err *e);

#endif
