/* A YAML file of settings: the one door to libyaml. It takes the part of YAML that people write by
 * hand: one document, a map of keys at its top; no anchors, aliases or tags. */
#ifndef KUBE_YAML_H
#define KUBE_YAML_H

#include "base/conf.h"

enum { YAML_BYTES_MAX = 1024 * 1024, YAML_DEPTH_MAX = 32 };

/* Whether the list or map at a key of the top has scalars of YAML's types. */
typedef bool yaml_typed(const char *key);

/* Reads the keys at the top in their order: a scalar as its text ("" for null), a list or map as
 * its JSON. In that every scalar is a string, as it was written, or null; but at a key that `typed`
 * knows (NULL: none), plain scalars are what YAML's core schema makes of them (1.2.2, 10.3.2):
 * numbers, true, false and null. There "yes" and "on" are texts, as they are for everybody who
 * reads YAML 1.2, and what its readers disagree on, 0644, is refused with both ways to write it.
 *
 * Refuses a key that comes twice. The error is `FILE:LINE: what`, and has nothing of the values.
 * The file keeps `path`; yaml_release frees the rest. */
bool yaml_read(struct conf_file *file, const char *path, yaml_typed *typed,
               struct error *error) MUST_CHECK;
void yaml_release(struct conf_file *file);

#endif
