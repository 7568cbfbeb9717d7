"""KubeSpawner's two reflectors, of pods and of events, as a JupyterHub has them: for what they ask of the API
server and cost beside our hub. usage: KUBECONFIG=FILE kubespawner_watch.py NAMESPACE"""

import asyncio
import sys

from kubespawner import KubeSpawner
from tornado.ioloop import IOLoop


async def main():
    spawner = KubeSpawner(_mock=True, namespace=sys.argv[1])
    await spawner._start_watching_pods()
    await spawner._start_watching_events()
    print(len(spawner.pod_reflector.pods), flush=True)
    await asyncio.Event().wait()


IOLoop.current().run_sync(main)
