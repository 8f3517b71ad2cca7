import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkout, type KindTest, runMake } from '../bed.ts'
import { namespace } from '../shop.ts'

const crd = 'containerversions.cvmanager.io'

export const chartTests: readonly KindTest[] = [
  {
    name: '`make undeploy` removes everything that `make deploy` has put into the cluster',
    async run(t, bed) {
      const { cluster } = bed
      await cluster.kubectl('delete', 'namespace', namespace, '--timeout=120s')
      await runMake(bed, 'undeploy')
      t.same(await traces(bed), [])
      t.match(await runMake(bed, 'undeploy'), /Nothing of cvmanager is left/, 'a second time, there is nothing to do')
    },
  },
  {
    name: 'an earlier chart is upgraded: the CRD gets its new fields, and the ContainerVersions stay',
    async run(t, bed) {
      const { cluster } = bed
      const earlier = await earlierChart(join(cluster.directory, 'chart'))
      const install = ['upgrade', 'cvmanager', '--install', '--namespace', 'cvmanager', '--create-namespace', '--wait']
      const image = await deployedImage(bed)
      const set = ['--set', 'image.repository=cvmanager', '--set', `image.tag=${image}`, '--timeout', '2m']
      await cluster.run('helm', [...install, ...set, earlier])
      await cluster.run('kubectl', ['apply', '-f', join(checkout, 'examples', 'shop'), '--dry-run=client'])
      await cluster.kubectl('create', 'namespace', namespace)
      await cluster.kubectl('apply', '-f', join(checkout, 'examples', 'shop', 'container-version.yaml'))
      const before = await uidOf(bed)
      const fields = () => cluster.attempt('kubectl', ['explain', 'containerversion.spec.strategy.onNewVersion'])
      t.not((await fields()).status, 0, 'the earlier CRD does not have the field')
      await runMake(bed, 'deploy')
      t.equal((await fields()).status, 0)
      t.equal(await uidOf(bed), before)
    },
  },
  {
    name: 'the cluster is clean at the end',
    async run(t, bed) {
      await bed.cluster.kubectl('delete', 'namespace', namespace, '--timeout=120s')
      await runMake(bed, 'undeploy')
      t.same(await traces(bed), [])
    },
  },
]

/** All objects whose name or labels say that they are cvmanager's. */
async function traces({ cluster }: Parameters<KindTest['run']>[1]): Promise<readonly string[]> {
  const kinds = (await cluster.kubectl('api-resources', '--verbs=list', '--output=name')).trim().split('\n')
  const listed = await cluster.kubectl(
    'get',
    kinds.join(','),
    '--all-namespaces',
    '--ignore-not-found',
    '--output=name',
  )
  return listed
    .split('\n')
    .filter(
      (name) => /cvmanager|containerversion/i.test(name) && !/^event|^node|cvmanager-e2e-control-plane$/.test(name),
    )
}

/** This chart as an earlier version: another number, and a CRD without one of today's fields. */
async function earlierChart(directory: string): Promise<string> {
  await cp(join(checkout, 'charts', 'cvmanager'), directory, { recursive: true })
  const change = async (path: string, edit: (text: string) => string) => {
    const file = join(directory, path)
    await writeFile(file, edit(await readFile(file, 'utf8')))
  }
  await change('Chart.yaml', (text) => text.replace(/^version: .*$/m, 'version: 1.9.0'))
  await change('files/containerversions.yaml', (text) => text.replace(/^( +)onNewVersion:\n(?:\1 +.*\n)+/m, ''))
  return directory
}

async function deployedImage({ cluster }: Parameters<KindTest['run']>[1]): Promise<string> {
  const format = ['images', 'cvmanager', '--format', '{{.Tag}}']
  const tag = (await cluster.run('docker', format)).split('\n').find((each) => each.startsWith('dev-'))
  if (tag === undefined) throw new Error('make deploy has left no image')
  return tag
}

async function uidOf({ cluster }: Parameters<KindTest['run']>[1]): Promise<string> {
  return cluster.kubectl('get', crd, 'web', '--namespace', namespace, '--output', 'jsonpath={.metadata.uid}')
}
