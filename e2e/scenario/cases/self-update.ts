import type { Test } from 'tap'
import type { KubernetesObject } from '../../harness/cluster.ts'
import { processAnnotation } from '../../harness/pod-marks.ts'
import type { Bed } from '../bed.ts'
import { type Build, build, v1, v2, v3 } from '../builds.ts'
import { containerVersion } from '../manifests.ts'
import { inWords } from '../operator.ts'
import { type OperatorPod, OperatorPods } from '../operator-pods.ts'
import { scenario } from '../scenario.ts'
import { World } from '../world.ts'

/** As when a leader is killed (R6). It is far less, but on a busy machine. */
const maxGapMs = 20_000

const v4 = build('4444444')
/** A version that ends with an error, and one that never becomes ready: it needs a right that it does not have. */
const ending = build('5555555')
const unready = build('6666666')

/** cvmanager rolls itself out, as `autoUpdateCVM` of the chart installs it. */
export async function selfUpdate(t: Test, bed: Bed): Promise<void> {
  const self = new World(bed, 'cvmanager')
  await self.ciMoves('latest', v1)
  const stranger = await bed.cluster.serviceAccountKubeconfig('default', 'stranger')
  const pods = new OperatorPods(self, async (name, image, args) => {
    if (image === self.imageOf(ending)) return bed.operator({ name, flags: ['--no-such-flag'] })
    if (image !== self.imageOf(unready)) return bed.operator({ name, flags: args.slice(1) })
    return bed.operator({ name, flags: ['--lease-namespace=cvmanager'], kubeconfig: stranger })
  })
  t.teardown(async () => {
    if (!t.passing()) for (const { process } of pods.pods) t.comment(await process.program.lastLines())
    await pods.stop()
  })
  await self.makes(settings(self), deployment(self, 2), ownVersion(self))
  await self.runs(v1, 'cvmanager-cv')
  const shop = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })

  await t.test('two replicas: the new version takes over, with one patch, one record, and no gap', async (t) => {
    await self.ciMoves('latest', v2)
    await self.sees('cvmanager', v2)
    // A version of somebody else meanwhile goes out too, once.
    await shop.ciMoves('env-prod', v2)
    await isDone(self, pods, v2, 2)
    await shop.runs(v2)
    t.equal(await self.imagePatches('cvmanager', 'Deployment'), 1, 'one image patch')
    t.equal(await shop.imagePatches('web'), 1, 'one image patch of the other workload')
    t.same(await recorded(self), ['2222222 Succeeded'], 'one record')
    // Whichever of them has led.
    t.same((await Promise.all(pods.pods.map((pod) => toldBy(self, pod)))).flat().sort(), [
      `info RolloutStarted 1111111 -> 2222222`,
      `info RolloutSucceeded 1111111 -> 2222222`,
    ])
    await leadOneAfterTheOther(t, self, pods)
    t.equal((await self.configMap('cvmanager')).version, '2222222', 'the key of spec.config')
  })

  await t.test('a version that ends at once is rolled back by the version that still leads', async (t) => {
    await self.ciMoves('latest', ending)
    await isRolledBack(self, ending)
    await self.waitsFor('the end of the new version', () => pods.running.length === 2)
    t.ok(
      pods.running.every(({ image }) => image === self.imageOf(v2)),
      'both pods of the old version run',
    )
    t.equal((await recorded(self))[0], '5555555 RolledBack')
    t.equal(await self.imagePatches('cvmanager', 'Deployment'), 3)
  })

  await t.test('one replica: a version that does not become ready is rolled back at the deadline', async (t) => {
    await self.kubectl('scale', 'deployment/cvmanager', '--replicas=1')
    await self.waitsFor('one pod', () => pods.running.length === 1)
    const [only] = pods.running
    await self.ciMoves('latest', unready)
    await self.sees('cvmanager', unready)
    await self.waitsFor('the process of the new version', () => pods.running.length === 2)
    t.match(await pods.pods.at(-1)?.process.readiness(503, 'may not'), { status: 503, reasons: [/leases/] })
    await isRolledBack(self, unready)
    await self.waitsFor('the end of the new version', () => pods.running.length === 1)
    t.equal(pods.running[0], only, 'the process that leads has run all the time')
  })

  await t.test(
    'the old version ends before the new one runs: it began the rollout, and the new one ends it',
    async (t) => {
      const before = await self.imagePatches('cvmanager', 'Deployment')
      const [old] = pods.running
      const rollingUpdate = { maxSurge: 0, maxUnavailable: 1 }
      await self.changes('Deployment', 'cvmanager', { spec: { strategy: { rollingUpdate } } })
      await self.ciMoves('latest', v4)
      await self.sees('cvmanager', v4)
      await shop.ciMoves('env-prod', v3)
      await isDone(self, pods, v4, 1)
      await shop.runs(v3)
      t.equal(await self.imagePatches('cvmanager', 'Deployment'), before + 1, 'one image patch')
      t.equal(await shop.imagePatches('web'), 2)
      t.equal((await recorded(self))[0], '4444444 Succeeded', 'one record')
      t.equal((await recorded(self))[1], '6666666 RolledBack')
      t.same((await toldBy(self, old)).at(-1), 'info RolloutStarted 2222222 -> 4444444')
      t.same(await toldBy(self, pods.running[0]), ['info RolloutSucceeded 2222222 -> 4444444'])
      await leadOneAfterTheOther(t, self, pods)
    },
  )
}

/** As the chart renders it, but for probes and security, of which processes have none. */
function deployment(world: World, replicas: number): KubernetesObject {
  const { namespace } = world
  const labels = { app: 'cvmanager' }
  const container = {
    name: 'cvmanager',
    image: world.imageOf(v1),
    args: ['run', '--configmap-key=cvmanager/cvmanager', '--lease-namespace=cvmanager'],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'cvmanager', namespace, labels: { ...labels, cvapp: 'cvmanager-cv' } },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: { labels, annotations: { [processAnnotation]: 'true' } },
        spec: { containers: [container] },
      },
    },
  }
}

const settings = ({ namespace }: World): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'cvmanager', namespace },
})

const ownVersion = ({ namespace, repository }: World): KubernetesObject =>
  containerVersion('cvmanager-cv', namespace, {
    imageRepo: repository,
    tag: 'latest',
    pollIntervalSeconds: 5,
    timeoutSeconds: 30,
    selector: { cvapp: 'cvmanager-cv' },
    container: { name: 'cvmanager' },
    config: { name: 'cvmanager', key: 'version' },
  })

/** The version is rolled out, and only pods of it are left. */
async function isDone(self: World, pods: OperatorPods, build: Build, replicas: number): Promise<void> {
  await self.runs(build, 'cvmanager-cv')
  await self.waitsFor(
    `${replicas} pods of ${build.name}`,
    () => pods.running.length === replicas && pods.running.every(({ image }) => image === self.imageOf(build)),
  )
  await self.waitsForEvent('ContainerVersion/cvmanager-cv', 'RolloutSucceeded')
}

async function isRolledBack(self: World, { name }: Build): Promise<void> {
  await self.waitsFor(
    `${name} to be rolled back`,
    async () => {
      const [last] = (await self.status('cvmanager-cv')).rollouts ?? []
      return last?.version === name && last.outcome === 'RolledBack'
    },
    90_000,
  )
}

/** The history of the Deployment, the newest first. */
async function recorded(self: World): Promise<readonly string[]> {
  const history = await self.history('cvmanager')
  const records: readonly { version: string; outcome: string }[] = JSON.parse(history['rollouts.json'])
  return records.map(({ version, outcome }) => `${version} ${outcome}`)
}

/** What a process has logged about cvmanager's own rollouts. */
async function toldBy(self: World, pod: OperatorPod | undefined): Promise<readonly string[]> {
  const story = (await pod?.process.story(self.namespace)) ?? []
  return story.filter(({ reason = '' }) => reason.startsWith('Rollout')).map(inWords)
}

/** Never two of them, and never none for long, by the logs of all processes. */
async function leadOneAfterTheOther(t: Test, self: World, { pods, running }: OperatorPods): Promise<void> {
  await self.waitsFor('the next leader', async () =>
    (await Promise.all(running.map(({ process }) => process.leads()))).includes(true),
  )
  const turns = await Promise.all(
    pods.map(async ({ name, process }) => {
      const lines = (await process.about('the leader', Number.POSITIVE_INFINITY)).split('\n')
      return lines
        .filter((line) => /"msg":"this process is (the leader now|no longer the leader)/.test(line))
        .map((line) => ({ name, began: line.includes('the leader now'), ms: Date.parse(JSON.parse(line).time) }))
    }),
  )
  const inOrder = turns.flat().sort((one, other) => one.ms - other.ms)
  for (const [at, { name, began, ms }] of inOrder.entries()) {
    const before = inOrder[at - 1]
    t.equal(began, !before?.began, 'one begins after another has ended')
    if (!began) t.equal(name, before?.name)
    if (began && before) t.ok(ms - before.ms <= maxGapMs, `${name} leads ${ms - before.ms} ms after ${before.name}`)
  }
}
