/* By what pods of KubeSpawner, and of this hub, are known as servers of users (KubeSpawner 7:
 * labels, annotations, the container's name). */
#ifndef KUBE_MARKS_H
#define KUBE_MARKS_H

/* As annotations the names as they are; as labels what slug_label makes of them. */
#define MARK_USER "hub.jupyter.org/username"
#define MARK_SERVER                                                                                \
    "hub.jupyter.org/servername" /* the default one: no annotation, an empty label */
/* The container that the server is, whose log is the server's. */
#define MARK_CONTAINER "notebook"

#endif
