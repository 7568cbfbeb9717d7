/* What the value of a setting for pods may be, and the one form it is given. */
#ifndef PODS_FORM_H
#define PODS_FORM_H

#include "pods/model.h"

enum form {
    FORM_TEXT,
    FORM_NAME, /* a text of one line that is not empty */
    FORM_BOOL,
    FORM_COUNT,       /* a whole number from 0 */
    FORM_CORES,       /* a number from 0; a real */
    FORM_BYTES,       /* a whole number, or a text like "2G" (1024-based); a whole number */
    FORM_COMMAND,     /* a list of texts, or a text, which is one word however it looks; a list */
    FORM_TEXTS,       /* a list of texts */
    FORM_COUNTS,      /* a list of whole numbers */
    FORM_LABELS,      /* a map of texts */
    FORM_AMOUNTS,     /* a map of texts and numbers: Kubernetes' quantities */
    FORM_MAP,         /* a map whose inside the API server judges */
    FORM_CAMEL,       /* … with keys as Kubernetes spells them */
    FORM_CHANGES,     /* a map laid over an object of the model */
    FORM_OBJECT,      /* an object of the model */
    FORM_OBJECTS,     /* a list of them, or a map of them, which counts in the order of its keys */
    FORM_SECRETS,     /* a name, or a list of names and of {name: …}; a list of the latter */
    FORM_ENVIRONMENT, /* a map of texts, and of {value: …} or {valueFrom: …} */
    FORM_PROFILES,    /* a list of maps, or a map of maps */
    FORM_SCHEME,      /* safe or escape */
    FORM_ANY,
};

/* A value in its one form, new; null has none. part: of the model's objects, where the value is a
 * list or map of them. NULL: *why says what is wrong, to be put right behind the value's path:
 * ": a map was expected", "[2].nme: …". */
json_t *form_read(enum form form, enum model model, enum model_part part, const json_t *value,
                  struct error *why) MUST_CHECK;
/* A copy of a map that is to be merged into one of that form: members of the model spelled as they
 * are there, null where it is, and nothing else looked at. NULL: as above. */
json_t *form_spelled(enum form form, enum model model, const json_t *map,
                     struct error *why) MUST_CHECK;
/* For the reference: "a whole number". */
const char *form_words(enum form form);

#endif
