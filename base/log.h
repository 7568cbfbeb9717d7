/* The log: one line an event on stdout, written by a thread of its own from log_start on, so that
 * no loop waits for a slow terminal or pipe. The only global of the program. Line form: CHP point
 * 16; levels: CHP point 17. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/base.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_HTTP, LOG_VERBOSE, LOG_DEBUG, LOG_SILLY };

/* For the rows of a program's flags: the levels in their order, and the values of log_start's json.
 */
#define LOG_LEVEL_WORDS                                                                            \
    {                                                                                              \
        "error", "warn", "info", "http", "verbose", "debug", "silly"                               \
    }
#define LOG_FORMAT_WORDS                                                                           \
    {                                                                                              \
        "text", "json"                                                                             \
    }

/* What stands in brackets before the level in a text log; "ConfigProxy" (CHP 16) unless it is set
 * before log_start. A literal. */
void log_name(const char *name);
/* Starts the writing thread. json: one JSON object a line instead of text. Colour only when
 * stdout is a terminal. */
void log_start(enum log_level level, bool json);
/* Writes all that is waiting and ends the thread. */
void log_stop(void);
bool log_wants(enum log_level level);

/* One line: the message is made fit for one (control bytes, and what is no UTF-8, become '?'). From
 * any thread; may drop the line, counted, when 4 MiB wait to be written. */
void log_line(enum log_level level, const char *format, ...) PRINTF(2, 3);

/* For lines with fields of their own (the access log): `text` goes to a text log, `json` (the
 * inside of an object, without braces: "\"status\":200,…") to a JSON log. */
void log_fields(enum log_level level, struct span text, struct span json);
bool log_is_json(void);

/* From now on lines of this thread wait in a buffer of its own until log_flush, a line at warn or
 * above, or a full buffer: for loops that log each request. */
void log_lazily(void);
void log_flush(void);
/* This thread ends: hands on what waits and frees its buffer. */
void log_leave(void);
uint64_t log_dropped(void);

#endif
