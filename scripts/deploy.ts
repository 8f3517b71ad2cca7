/**
 * `make deploy`: builds the image of this checkout, loads it into a kind cluster, installs the chart with it, waits until
 * cvmanager works, and says what to do next. KIND_CLUSTER names the cluster. HELM_ARGS are more arguments of `helm upgrade`.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { buildImage } from './image.ts'
import { inCluster, kindCluster, release, runShown } from './kind-cluster.ts'
import { target } from './target.ts'

const repository = 'cvmanager'
const chart = fileURLToPath(new URL('../charts/cvmanager', import.meta.url))

target('deploy', () => {
  const cluster = kindCluster()
  buildImage(`${repository}:dev`)
  // The tag says what the image is, so that another image is a new version for Kubernetes, and the same one changes nothing.
  const tag = `dev-${imageId(`${repository}:dev`)}`
  const image = `${repository}:${tag}`
  runShown('docker', ['tag', `${repository}:dev`, image])
  runShown('kind', ['load', 'docker-image', '--name', cluster, image])
  inCluster(cluster, (env) => {
    const set = [`image.repository=${repository}`, `image.tag=${tag}`].flatMap((value) => ['--set', value])
    const more = (process.env.HELM_ARGS ?? '').split(/\s+/).filter((each) => each !== '')
    const options = ['--install', '--namespace', release, '--create-namespace', '--wait', '--timeout', '2m']
    runShown('helm', ['upgrade', release, chart, ...options, ...set, ...more], env)
    runShown('kubectl', ['get', 'pods', '--namespace', release], env)
  })
  process.stdout.write(nextSteps(cluster))
})

function imageId(name: string): string {
  const { stdout } = spawnSync('docker', ['image', 'inspect', '--format', '{{.Id}}', name], { encoding: 'utf8' })
  return stdout.trim().replace('sha256:', '').slice(0, 12)
}

function nextSteps(cluster: string): string {
  return `
cvmanager works in the kind cluster ${cluster}. It follows the ContainerVersions of all namespaces. Next:

  kubectl config use-context kind-${cluster}
  kubectl logs --namespace ${release} deployment/cvmanager --follow
  kubectl explain cv.spec              # or examples/shop, with the address of your registry
  kubectl get cv --all-namespaces

make deploy brings a change of the sources into the cluster; make undeploy removes everything again.
`
}
