/* hubgate-keeper: stands beside one local server; see the spawner. */
#include <stdio.h>

int main(void)
{
    fputs("hubgate-keeper: started by hubgate-hub, not by hand\n", stderr);
    return 1;
}
