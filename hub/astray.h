/* Somebody comes to a user's server, and the proxy has no route for it and asks the hub: {hub}user/
 * :name/…, by any method (hub contract B4). People are led on: to log in, to start the server, to
 * wait for it, or back to the proxy; programs get a 424 in JSON. */
#ifndef HUB_ASTRAY_H
#define HUB_ASTRAY_H

struct request;

void astray_visit(struct request *request);

#endif
