/* What the hub's local driver and hubgate-keeper say to each other.
 *
 *     hubgate-keeper GRACE_MS LOG_BYTES_MAX COMMAND [ARGUMENT]…
 *
 * runs the command in a session of its own with the keeper's environment and directory, writes what
 * it says on stdout and stderr to the log, and ends when the command and everything that it started
 * have ended. SIGTERM passes SIGTERM on and kills after the grace; SIGINT kills at once. The keeper
 * needs no hub: servers outlive it. */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

/* Open when it starts; the command inherits none of them. */
enum {
    KEEPER_LOG_FD = 3,    /* a file, read and write, for the log alone */
    KEEPER_STATUS_FD = 4, /* a file to append one line to at the end */
    KEEPER_PORT_FD = 5,   /* a bound socket, held so that nobody is given its port */
    KEEPER_FDS_END,
};

/* The line's first word; behind it the exit status, the signal, or the errno of execvp(3). */
#define KEEPER_EXITED "exited"
#define KEEPER_KILLED "killed"
#define KEEPER_FAILED "failed"

#endif
