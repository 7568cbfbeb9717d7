/* Names of users and of their servers: which are taken, in which form. A name ends up in paths,
 * route keys, command lines, environments, cookies and pages, so what any of these could misread is
 * refused here, once, and nothing behind the log-in needs to look again. Everything is escaped
 * there all the same. */
#ifndef LOGIN_NAME_H
#define LOGIN_NAME_H

#include "base/base.h"

enum { NAME_BYTES_MAX = 255, NAME_PRINT = 64 };

/* Why a user's name is not taken, in words that fit behind "the name "; NULL: it is.
 *
 * Taken: 1 to 255 bytes of UTF-8 (RFC 3629); of ASCII: letters, digits, - _ . @ + ~ and blanks
 * inside; all other characters but those that are not seen or change how their neighbours are read
 * (controls, blanks beyond ASCII, zero-width, bidirectional, fillers, tags, private and
 * unassigned-for-ever ones). Not taken: "." and "..", a first '-' (an option to most programs). */
const char *name_fault(struct span name);
bool name_is_valid(struct span name);
/* A server's name: the same, or empty for the default one. */
bool name_is_server(struct span name);

/* A group's name, as a provider may have it: any printable ASCII too ("staff/math", "org:team"). */
bool name_is_group(struct span name);

/* The name as the hub keeps it: capitals of ASCII made small, as JupyterHub makes them (it does so
 * for all alphabets; those beyond ASCII stay here). To be freed; NULL: the name is not taken. */
char *name_normal(struct span name) MUST_CHECK;

/* For the log: the name, or "?" when it is not taken, since then it may be a password that was
 * typed into the wrong field. Cut to fit. */
const char *name_print(struct span name, char out[static NAME_PRINT]);

#endif
