/* The cluster that an order is for: its API server, asked one thing at a time by a loop that turns
 * until the answer is there. */
#ifndef CTL_KUBE_H
#define CTL_KUBE_H

#include "ctl/flags.h"
#include "kubeapi/apipath.h"

#include <jansson.h>

struct apiserver;
struct kube;
struct loop;
struct note;

/* By the flags: a kubeconfig's context, or in a pod that has no kubeconfig the cluster it runs in.
 * Nothing is asked yet. The flags and the note outlive it. NULL: *error. */
struct kube *kube_new(const struct flags *flags, struct note *note, struct error *error) MUST_CHECK;
void kube_free(struct kube *kube); /* NULL is allowed */

/* The namespace that is asked; NULL: all of them. */
const char *kube_namespace(const struct kube *kube);
/* Another one than the context's, where the flags name none. */
void kube_prefer_namespace(struct kube *kube, const char *namespace);
/* " in namespace hub of context lab", for messages; good until the namespace changes. */
const char *kube_where(const struct kube *kube);
/* For whoever lets the loop turn himself. */
struct apiserver *kube_server(const struct kube *kube);
struct loop *kube_loop(const struct kube *kube);

/* A path of a resource in the namespace that is asked, to be freed. */
char *kube_path(const struct kube *kube, const struct apiresource *resource, const char *name,
                const char *sub) MUST_CHECK;

/* An object as kubectl shows it, to be released: with what it is, which an item of a list does not
 * say (NULL: it does), and without managedFields, which are for API servers. */
json_t *kube_object(const json_t *item, const char *version, const char *kind) MUST_CHECK;

/* `what` begins messages: "list pods". Each returns NULL or false with one line that says what to
 * do next; objects are as kube_object makes them. */
json_t *kube_get(struct kube *kube, const char *what, const char *path,
                 struct error *error) MUST_CHECK;
/* All pages of a list, its items in an array; selectors NULL: none. */
json_t *kube_list(struct kube *kube, const char *what, const char *path, const char *labels,
                  const char *fields, struct error *error) MUST_CHECK;
/* A GET whose body comes in pieces, without end of time. A sink that returns false has had enough,
 * which is no error. */
typedef bool kube_sink(void *arg, struct span bytes);
bool kube_stream(struct kube *kube, const char *what, const char *path, kube_sink *sink, void *arg,
                 struct error *error) MUST_CHECK;
/* What somebody needs who opens a connection to the API server himself: `take` is called with it,
 * from within. False: there is none, *error says which file or program is to blame. */
struct apiserver_terms;
bool kube_terms(struct kube *kube, void (*take)(void *arg, const struct apiserver_terms *terms),
                void *arg, struct error *error) MUST_CHECK;
/* Of the last answer; 0: there was none. */
unsigned kube_status(const struct kube *kube);
/* The same line of an answer that came to somebody else: what the API server said and, where that
 * helps, what to do. Returns false. */
bool kube_refused(const struct kube *kube, unsigned status, const char *says, struct error *error);

#endif
