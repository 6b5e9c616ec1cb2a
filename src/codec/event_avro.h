/* Avro records -> events, by a mapping compiled against each writer's schema.
 *
 * Private to codec/decoder, which tells framings apart and finds the schema; event_json keeps the same contract for
 * JSON. One thread's; any bytes give an event or a reason. Whether an event is good does not depend on the model: what
 * no rule asks about is checked like the rest, and then left out. */
#ifndef LEADSTREAM_EVENT_AVRO_H
#define LEADSTREAM_EVENT_AVRO_H

#include "codec/mapping.h"
#include "codec/schema.h"
#include <leadstream/event.h>
#include <leadstream/model.h>

struct event_avro;

/* mapping must outlive it; model too: fields that it does not ask about are not handed over (NULL: all are). */
struct event_avro *event_avro_new(const struct mapping *mapping, const struct model *model);
void event_avro_free(struct event_avro **avro);

/* The event in a record's body, written by `schema` (of one set, which must outlive event_avro: programs are kept by
 * schema). Its texts point into the body, the schema, the mapping, the arena or event_avro itself. False: REJECT;
 * event->lead is then what could be read of it. */
NODISCARD bool event_avro_decode(struct event_avro *avro, const struct schema *schema, struct bytes body,
                                 struct arena *arena, struct event *event, struct err *e);

#endif
