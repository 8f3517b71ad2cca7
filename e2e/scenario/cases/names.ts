import type { Test } from 'tap'
import { shortDigest } from '../../../operator/images/digest.ts'
import { digestAnnotation } from '../../harness/pod-marks.ts'
import type { Bed } from '../bed.ts'
import { build, v1, v2 } from '../builds.ts'
import { command } from '../command.ts'
import { containerVersion, workload } from '../manifests.ts'
import { type AddTest, emptyWorld } from '../scenario.ts'
import type { World } from '../world.ts'

/** What people read about versions, and above all about one that has no name. */
export function names(test: AddTest, bed: Bed): void {
  test('a minimal object whose tags are releases says once which tags there are, and what to write', async (t) => {
    const world = await emptyWorld(t, bed)
    const release = build('v1.1.0')
    await world.ciBuilds(build('v1.0.0'))
    await world.ciMoves('env-prod', release)
    const more = { config: { name: 'versions', key: 'web' }, history: { enabled: true } }
    await applied(world, 'web', `${world.repository}:v1.0.0`, { tag: 'env-prod', ...more })
    await world.runs(release)

    const short = shortDigest(release.digest)
    const said = `${short}: no tag of the repository matches versionSyntax [0-9a-f]{5,40}, the default; it has v1.1.0, v1.0.0. To name versions by such tags, write versionSyntax: 'v[0-9]+[.][0-9]+[.][0-9]+'.`
    const { status } = await world.becomes('UpToDate')
    t.equal(status.message, `all workloads run ${said}`)
    t.match(status.conditions, [{ type: 'Ready', message: 'no tag of the repository matches' }])
    const described = await world.kubectl('get', 'cv', '-o', 'wide')
    t.match(described, new RegExp(`env-prod +${short} +UpToDate .* ${short} +all workloads run ${short}: no tag`))
    t.notMatch(described, /[0-9a-f]{64}/)

    await world.pollsAgain(3)
    const events = (await world.events()).filter(({ reason }) => reason === 'VersionHasNoName')
    t.match(events, [{ about: 'ContainerVersion/web-cv', type: 'Normal', message: said }])
    t.notMatch(JSON.stringify(await world.events()), /cvmanager.*[0-9a-f]{64}/)
    t.equal(listings(world), 1, 'for one list of the tags, and none at a poll')

    await world.waitsFor('the digest in spec.config', async () => (await deployed(world)) === release.digest)
    t.match((await world.history('web'))?.Info, `Workload:web to version:${short}\n`)

    const patch = { spec: { versionSyntax: 'v[0-9]+[.][0-9]+[.][0-9]+' } }
    await world.kubectl('patch', 'cv', 'web-cv', '--type=merge', '-p', JSON.stringify(patch))
    await world.waitsFor('the name of the release', async () => (await deployed(world)) === 'v1.1.0')
    t.match(world.now('ContainerVersion', 'web-cv')?.status, {
      message: 'all workloads run v1.1.0',
      current: { version: 'v1.1.0' },
    })
    t.equal(await world.imagePatches('web'), 1, 'it is the same image: nothing restarts')
  })

  test('a tag that versionSyntax matches is itself the version, and no other tag is searched', async (t) => {
    const world = await emptyWorld(t, bed)
    const release = build('v1.1.0')
    await world.ciBuilds(build('v1.0.0'))
    await world.ciMoves('v1.1', release)
    await applied(world, 'web', `${world.repository}:v1.0.0`, { tag: 'v1.1.0', versionSyntax: 'v[0-9.]+' })
    await world.runs(release)
    t.match(await world.status(), {
      observed: { version: 'v1.1.0', source: 'alias' },
      message: 'all workloads run v1.1.0',
    })
    await world.sees('web', world.imageOf(release))
    t.equal(listings(world), 0)
  })

  test('kubectl get cv and cv get show the same version and the same TAG', async (t) => {
    const world = await emptyWorld(t, bed)
    await world.ciMoves('env-prod', v1)
    const release = build('1.4.2')
    await world.ciBuilds(release)
    const { repository } = world
    const runsV1 = { [digestAnnotation]: v1.digest }
    await applied(world, 'by-digest', `${repository}@${v1.digest}`, { tag: 'env-prod' })
    await applied(world, 'by-tag', `${repository}:env-prod`, { tag: 'env-prod' }, runsV1)
    await applied(world, 'by-other-tag', `${repository}:v1`, { tag: 'env-prod' }, runsV1)
    await applied(world, 'semver', world.imageOf(release), { policy: { semver: { range: '~1.4' } } })
    await applied(world, 'numeric', world.imageOf(release), { policy: { numeric: {} } })
    await applied(world, 'calendar', world.imageOf(release), { policy: { calendar: { format: 'MAJOR.MINOR.MICRO' } } })
    await applied(world, 'newest', world.imageOf(release), { policy: { newest: {} } })
    for (const name of ['by-digest', 'by-tag', 'by-other-tag']) await world.runs(v1, `${name}-cv`)
    for (const name of ['semver', 'calendar']) await world.runs(release, `${name}-cv`)
    await world.runs(v1, 'numeric-cv')
    await world.becomes('Stalled', { of: 'newest-cv' })
    await agree(t, world, [
      'by-digest 1111111 env-prod',
      'by-other-tag 1111111 env-prod',
      'by-tag 1111111 env-prod',
      'calendar 1.4.2 calendar MAJOR.MINOR.MICRO',
      'semver 1.4.2 semver ~1.4',
    ])
    t.match(await world.kubectl('get', 'cv', 'newest-cv', '--no-headers'), /newest-cv +newest +1\.4\.2 +Stalled/)
    t.match(await world.kubectl('get', 'cv', 'numeric-cv', '--no-headers'), /numeric-cv +numeric +1111111 +/)

    await world.ciMoves('env-prod', build('a-chart', { artifact: 'chart' }))
    for (const name of ['by-digest', 'by-tag']) await world.becomes('Stalled', { of: `${name}-cv` })
    await agree(t, world, ['by-digest 1111111 env-prod', 'by-tag 1111111 env-prod'])
    await world.ciMoves('env-prod', v2)
    for (const name of ['by-digest', 'by-tag']) await world.runs(v2, `${name}-cv`)
    await agree(t, world, ['by-digest 2222222 env-prod', 'by-tag 2222222 env-prod'])
  })
}

/** Applies a Deployment with this image and a ContainerVersion for it, as a user does. */
async function applied(world: World, name: string, image: string, spec: object, podAnnotations = {}): Promise<void> {
  const { namespace, repository: imageRepo } = world
  const labels = { app: name }
  await world.bed.cluster.apply(
    workload({ kind: 'Deployment', name, namespace, image, labels, replicas: 1, podAnnotations }),
  )
  await world.kubectl('rollout', 'status', `deployment/${name}`, '--timeout=30s')
  await world.bed.cluster.apply(containerVersion(`${name}-cv`, namespace, { imageRepo, selector: labels, ...spec }))
}

/** Both outputs have these lines, of workload, version and TAG. */
async function agree(t: Test, world: World, lines: readonly string[]): Promise<void> {
  const { directory, kubeconfig } = world.bed.cluster
  const flags = ['--k8s-config', kubeconfig, '--namespace', world.namespace]
  const { output } = await command(directory, 'cv', 'get', ...flags)
  const columns = (text: string, ...wanted: readonly number[]) =>
    text.split('\n').map((line) => wanted.map((column) => line.trim().split(/ {2,}/)[column]).join(' '))
  const ofCommand = columns(output, 1, 4, 7)
  const ofKubectl = columns((await world.kubectl('get', 'cv', '--no-headers')).replaceAll('-cv ', ' '), 0, 2, 1)
  for (const line of lines) {
    t.ok(ofCommand.includes(line), `cv get has: ${line}. It shows: ${ofCommand.join('; ')}`)
    t.ok(ofKubectl.includes(line), `kubectl has: ${line}. It shows: ${ofKubectl.join('; ')}`)
  }
}

const listings = ({ registry, path }: World): number =>
  registry.requests.filter((request) => request.path.startsWith(`/v2/${path}/tags/list`)).length

const deployed = async (world: World): Promise<string> =>
  world.kubectl('get', 'configmap', 'versions', '--ignore-not-found', '-o', 'jsonpath={.data.web}')
