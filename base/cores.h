/* How many cores this process may use. */
#ifndef BASE_CORES_H
#define BASE_CORES_H

/* The CPUs of the affinity mask, or the cgroup's CPU quota rounded up where that is less; at least
 * 1. Reads proc/self/cgroup and sys/fs/cgroup below `root` ("" is the machine's own), version 2
 * and version 1, the quotas of the parent groups too. */
unsigned cores_usable(const char *root);

#endif
