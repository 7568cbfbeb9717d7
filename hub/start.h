/* Starting a server from a browser (hub contract B4). Rows of the pages, served here: */
#ifndef HUB_START_H
#define HUB_START_H

struct request;

/* GET {hub}spawn[/:user[/:server]]?next=…: the form, or at once where there is nothing to choose or
 * the query chooses. */
void start_get(struct request *request);
/* POST: with what the form says. */
void start_post(struct request *request);
/* GET {hub}spawn-pending/:user[/:server]?next=…: its progress, or why it failed. Starts nothing. */
void start_pending(struct request *request);
/* 424: the server of args[0] and args[1] does not run; a page that offers to start it, and to go to
 * `next` (may be NULL) after. */
void start_offer(struct request *request, const char *next);

#endif
