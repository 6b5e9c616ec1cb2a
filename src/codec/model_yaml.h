/* A model file -> struct model, or every error in it at once, each with its place, the bad text and the remedy. */
#ifndef LEADSTREAM_MODEL_YAML_H
#define LEADSTREAM_MODEL_YAML_H

#include "codec/yaml_tree.h"
#include <leadstream/model.h>

/* Compiles the text of a model file. `file` names it in messages. Problems (errors and warnings) are appended to
 * *problems in the order of their places. NULL: there was at least one error. */
struct model *model_yaml_compile(struct bytes text, const char *file, struct problems *problems);

/* The same from a file; one that cannot be read or is above 1 MiB is a problem too. */
struct model *model_yaml_load(const char *path, struct problems *problems);

#endif
