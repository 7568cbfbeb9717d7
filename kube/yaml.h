/* A YAML file of settings: the one door to libyaml. It takes the part of YAML that people write by
 * hand: one document, a map of keys at its top; no anchors, aliases or tags. */
#ifndef KUBE_YAML_H
#define KUBE_YAML_H

#include "base/conf.h"

enum { YAML_BYTES_MAX = 1024 * 1024, YAML_DEPTH_MAX = 32 };

/* Reads the keys at the top in their order: a scalar as its text ("" for null), a list or map as
 * its JSON, in which every scalar is a string, as it was written, or null. Refuses a key that comes
 * twice. The error is `FILE:LINE: what`, and has nothing of the values. The file keeps `path`;
 * yaml_release frees the rest. */
bool yaml_read(struct conf_file *file, const char *path, struct error *error) MUST_CHECK;
void yaml_release(struct conf_file *file);

#endif
