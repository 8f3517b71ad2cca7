import { test } from 'tap'
import { raw } from './contract.fixture.ts'
import { healthOf } from './health.ts'
import { digest, made, seconds } from './pod.fixture.ts'
import { barePod } from './pod.ts'
import { isOwn, pod } from './pods.ts'
import { selects } from './select.ts'

const image = `r.example.com/web:v2@${digest('b')}`
const idOf = (letter: string) => `r.example.com/web@${digest(letter)}`

interface GivenStatus {
  readonly name?: string
  readonly imageID?: string
  readonly restartCount?: number
  readonly state?: object
}

const container = ({
  name = 'web',
  imageID = idOf('b'),
  restartCount = 0,
  state = { running: {} },
}: GivenStatus = {}) => ({ name, image, imageID, ready: true, restartCount, state })

interface More {
  readonly ready?: boolean
  readonly template?: object
  readonly status?: object
  /** How often it had restarted before the rollout. */
  readonly restarts?: number
  readonly changed?: readonly string[]
}

/** The Pod `web` with this status, in the cache and as its own pod. */
function given(status: GivenStatus, more: More = {}) {
  const conditions = [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }]
  const object = raw(
    {
      metadata: { creationTimestamp: seconds(-100) },
      template: { containers: [{ name: 'web', image }], ...more.template },
      status: {
        phase: 'Running',
        startTime: seconds(-100),
        conditions,
        containerStatuses: [container(status)],
        ...more.status,
      },
    },
    [],
  )
  return { object, stripped: barePod.strip(object) }
}

function health(status: GivenStatus, { restarts = 0, changed = ['web'], ...more }: More = {}) {
  const { object, stripped } = given(status, more)
  const revision = barePod.revisionOf(stripped, [])
  const pods = isOwn(object, revision) ? [pod(object, revision)] : []
  return healthOf(stripped, { pods }, { now: made, since: made - 10_000 }, { unavailable: 0, restarts, changed })
}

const waits = (reason: string, message: string) => ({ waiting: { reason, message } })
const pullFailure = (letter: string) =>
  waits(
    'ImagePullBackOff',
    `Back-off pulling image "r.example.com/web:v@${digest(letter)}": ErrImagePull: failed to pull and unpack image "x": not found`,
  )

test('B12 a Pod is healthy when its container runs the digest of its image and is ready', async (t) => {
  t.match(health({}), { state: 'healthy' })
  t.match(health({ imageID: idOf('a') }), { state: 'waiting', reason: /the kubelet has not restarted it/ })
  t.match(health({}, { ready: false }), { state: 'waiting', reason: /not ready/ })
  t.match(health({ imageID: digest('c') }), { state: 'healthy' }, 'a runtime that does not tell the digest')
})

test('a Pod cannot pull its image, or crashes: it is judged as other pods are', async (t) => {
  t.match(health({ imageID: '', state: pullFailure('b') }, { ready: false }), { state: 'stuck', reason: /not found/ })
  const crash = { restartCount: 3, state: waits('CrashLoopBackOff', 'back-off') }
  t.match(health(crash, { ready: false }), { state: 'stuck', reason: /after 3 restarts/ })
})

test('what the status says of the image before is no judgement on the new one', async (t) => {
  t.match(health({ imageID: '', state: pullFailure('a') }, { ready: false }), { state: 'waiting' })
  const crash = { restartCount: 50, state: waits('CrashLoopBackOff', 'back-off') }
  t.match(health({ ...crash, imageID: idOf('a') }, { ready: false }), { state: 'waiting' })
  t.match(health({ ...crash, restartCount: 51 }, { ready: false, restarts: 50 }), { state: 'waiting' })
  t.match(health({ ...crash, restartCount: 53 }, { ready: false, restarts: 50 }), { state: 'stuck' })
})

test('an init container does not run again, so that nothing waits for it; a sidecar does, and what does not change is not looked at', async (t) => {
  const init = (changed: readonly string[], more: object = {}) => {
    const template = { initContainers: [{ name: 'init', image, ...more }] }
    const initContainerStatuses = [container({ name: 'init', imageID: idOf('a') })]
    return health({}, { template, status: { initContainerStatuses }, changed })
  }
  const sidecar = { restartPolicy: 'Always' }
  t.match(init(['web', 'init']), { state: 'healthy' })
  t.match(init(['web', 'init'], sidecar), { state: 'waiting', reason: /not restarted/ })
  t.match(init(['web'], sidecar), { state: 'healthy' }, 'a runtime may name another digest of the same image')
})

test('a Pod that has ended, and the mirror of a static pod, are no workloads', async (t) => {
  const found = (given: object) => selects({ cvapp: 'web' }, barePod.strip(raw(given, [])))
  t.equal(found({}), true)
  for (const phase of ['Succeeded', 'Failed']) t.equal(found({ status: { phase } }), false, phase)
  t.equal(found({ metadata: { annotations: { 'kubernetes.io/config.mirror': 'hash' } } }), false)
})

test('a Pod that was ready with the image before, and cannot pull the new one, is not healthy while the watch is late', async (t) => {
  const { stripped } = given({ imageID: idOf('a') })
  const { object } = given({ imageID: '', state: pullFailure('b') }, { ready: false })
  const pods = [pod(object, barePod.revisionOf(stripped, []))]
  const before = { unavailable: 0, restarts: 0, changed: ['web'] }
  t.match(healthOf(stripped, { pods }, { now: made, since: made - 10_000 }, before), { state: 'stuck' })
})
