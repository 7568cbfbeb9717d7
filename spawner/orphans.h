/* Servers that run and that no record knows: the hub was killed between a start and its being
 * written down. Nobody could reach, cull or stop them, and the user's next start would be a second
 * one. They carry the mark of this state_dir (spawner/trace), so that other hubs' servers are left
 * alone. */
#ifndef SPAWNER_ORPHANS_H
#define SPAWNER_ORPHANS_H

#include "base/jobs.h"
#include "spawner/trace.h"

/* What every mark of a hub begins with. */
void orphans_owner(const char *state_dir, char owner[static TRACE_OWNER_BYTES]);

/* Now, as /proc tells when processes started: clock ticks since boot. */
uint64_t orphans_now_ticks(void);

/* Ends on a thread, with SIGKILL, all processes that started before, whose mark is of that owner
 * and none of `known`, marks one after the other, TRACE_MARK_BYTES each. The bytes are taken. done:
 * told on the loop. */
void orphans_end(struct jobs *jobs, const char *owner, uint64_t before_ticks, char *known,
                 size_t known_n, void (*done)(void *arg), void *arg);

#endif
