import type { Test } from 'tap'
import { type Bed, operatorUser } from '../bed.ts'
import { v1, v2 } from '../builds.ts'
import type { Operator } from '../operator.ts'
import { scenario } from '../scenario.ts'

/** One default namespace for the Lease, wherever cvmanager runs; and /ready says what the Lease is missing. */
export async function oneLeader(t: Test, bed: Bed): Promise<void> {
  await t.test(
    'an admin runs cvmanager from a laptop beside the pod: one leads, and each workload is patched once',
    async (t) => {
      const pod = await bed.operator({ name: 'pod' })
      await pod.isAtWork()
      // The context names another namespace than the pod's: none, which means default.
      const laptop = await bed.operator({ name: 'laptop', kubeconfig: bed.cluster.kubeconfig })
      await laptop.stands()
      const world = await scenario(t, bed, { deployment: 'web', running: v1, follows: 'env-prod' })
      await world.ciMoves('env-prod', v2)
      await world.runs(v2)
      t.notOk(await laptop.leads(), 'the laptop stands by')
      t.equal((await readiness(laptop, 200)).status, 200, 'and is ready to take over')
      t.equal(await world.imagePatches('web'), 1, 'the pod has patched it once')
      const patches = await bed.cluster.auditLog({ verbs: ['patch'], namespace: world.namespace, name: 'web' })
      const others = patches.map(({ user }) => user.username).filter((name) => name !== operatorUser)
      t.same(others, [], 'and nobody else')
      const { items } = await bed.client.get<{ items: readonly { metadata: { namespace: string; name: string } }[] }>(
        '/apis/coordination.k8s.io/v1/leases',
      )
      const leases = items.filter(({ metadata }) => metadata.name === 'cvmanager')
      t.same(
        leases.map(({ metadata }) => metadata.namespace),
        ['cvmanager'],
        'there is one Lease',
      )
      await Promise.all([pod.stop('SIGTERM'), laptop.stop('SIGTERM')])
    },
  )

  await t.test('a Lease that is forbidden: /ready fails until the right is granted', async (t) => {
    const { cluster } = bed
    const leader = await bed.operator({ name: 'leader' })
    await leader.isAtWork()
    const kubeconfig = await cluster.serviceAccountKubeconfig('default', 'stranger')
    const stranger = await bed.operator({ name: 'stranger', kubeconfig })
    await stranger.stands()
    const forbidden = await readiness(stranger, 503)
    t.equal(forbidden.status, 503)
    t.match(forbidden.text, /the Lease cvmanager\/cvmanager is forbidden/)
    t.match(forbidden.text, /the right to create Leases in namespace cvmanager, and to get and update cvmanager/)
    t.match(forbidden.text, '--lease-namespace')
    t.match(forbidden.text, /cannot get resource/)

    const lease = ['-n', 'cvmanager', '--verb=get', '--resource=leases.coordination.k8s.io']
    await cluster.kubectl('create', 'role', 'only-get', ...lease)
    const account = '--serviceaccount=default:stranger'
    await cluster.kubectl('create', 'rolebinding', 'only-get', '-n', 'cvmanager', '--role=only-get', account)
    const half = await readiness(stranger, 503, /cannot update resource/)
    t.match(half.text, /cannot update resource/, 'a replica that could not take over is not ready')

    await cluster.kubectl('create', 'rolebinding', 'all', '-n', 'cvmanager', '--role=cvmanager-leader', account)
    await cluster.kubectl('create', 'clusterrolebinding', 'stranger', '--clusterrole=cvmanager', account)
    t.equal((await readiness(stranger, 200)).status, 200, 'it stands by')
    t.notOk(await stranger.leads())
    await leader.stop('SIGTERM')
    await stranger.isAtWork()
    t.equal((await readiness(stranger, 200)).status, 200, 'it leads')
    await stranger.stop('SIGTERM')
  })

  await t.test('a Lease in a namespace that does not exist: /ready fails until it does', async (t) => {
    const flags = ['--lease-namespace', 'nowhere', '--watch-namespace', 'nowhere']
    const lost = await bed.operator({ name: 'lost', kubeconfig: bed.cluster.kubeconfig, flags })
    await lost.stands()
    const { status, text } = await readiness(lost, 503)
    t.equal(status, 503)
    t.match(text, /there is no namespace nowhere for the Lease cvmanager; create it/)
    t.match(text, '--lease-namespace')
    await bed.cluster.namespace('nowhere')
    t.equal((await readiness(lost, 200)).status, 200)
    await lost.isAtWork()
    await lost.stop('SIGTERM')
  })
}

/** The answer of /ready once it has this status and text, or the last one of twenty seconds. */
async function readiness(
  { port }: Operator,
  wanted: number,
  says = /^(?!.*has not been read yet)/,
): Promise<{ status: number; text: string }> {
  for (const end = Date.now() + 20_000; ; ) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`)
    const { status } = answer
    const text = await answer.text()
    if ((status === wanted && says.test(text)) || Date.now() > end) return { status, text }
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
