/** `make undeploy`: removes from a kind cluster what `make deploy` has put there, with all ContainerVersions and their CRD. */
import { spawnSync } from 'node:child_process'
import { inCluster, kindCluster, release, runShown } from './kind-cluster.ts'
import { target } from './target.ts'

const crd = 'containerversions.cvmanager.io'

target('undeploy', () => {
  const cluster = kindCluster()
  inCluster(cluster, (env) => {
    const quiet = ['--ignore-not-found', '--timeout=60s']
    const { status } = spawnSync('kubectl', ['get', 'crd', crd], { env })
    // First, while cvmanager runs: it ends rollouts that are under way, and takes its finalizers off.
    if (status === 0) runShown('kubectl', ['delete', crd, '--all', '--all-namespaces', ...quiet], env)
    runShown('helm', ['uninstall', release, '--namespace', release, '--ignore-not-found', '--wait'], env)
    // The chart keeps it, so that an uninstallation by mistake loses no ContainerVersion.
    runShown('kubectl', ['delete', 'crd', crd, ...quiet], env)
    runShown('kubectl', ['delete', 'namespace', release, ...quiet], env)
  })
  process.stdout.write(`Nothing of cvmanager is left in the kind cluster ${cluster}.\n`)
})
