import type { Test } from 'tap'
import { type Bed, operatorUser } from '../bed.ts'
import { v1, v2 } from '../builds.ts'
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
      t.equal((await laptop.readiness(200)).status, 200, 'and is ready to take over')
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
    const forbidden = await stranger.readiness(503, 'may not get')
    t.equal(forbidden.status, 503)
    const [reason] = forbidden.reasons
    t.match(reason, /the service account default:stranger may not get leases "cvmanager" in namespace cvmanager: /)
    t.match(reason, /apply deploy\/rbac\.yaml with the service account default:stranger as the subject/)
    t.match(reason, '--lease-namespace')

    const lease = ['-n', 'cvmanager', '--verb=get', '--resource=leases.coordination.k8s.io']
    await cluster.kubectl('create', 'role', 'only-get', ...lease)
    const account = '--serviceaccount=default:stranger'
    await cluster.kubectl('create', 'rolebinding', 'only-get', '-n', 'cvmanager', '--role=only-get', account)
    const half = await stranger.readiness(503, 'may not update leases')
    t.match(half.reasons.join(), /may not update leases "cvmanager"/, 'a replica that could not take over is not ready')

    await cluster.kubectl('create', 'rolebinding', 'all', '-n', 'cvmanager', '--role=cvmanager-leader', account)
    await cluster.kubectl('create', 'clusterrolebinding', 'stranger', '--clusterrole=cvmanager', account)
    t.equal((await stranger.readiness(200)).status, 200, 'it stands by')
    t.notOk(await stranger.leads())
    await leader.stop('SIGTERM')
    await stranger.isAtWork()
    t.equal((await stranger.readiness(200)).status, 200, 'it leads')
    await stranger.stop('SIGTERM')
  })

  await t.test('a Lease in a namespace that does not exist: /ready fails until it does', async (t) => {
    const flags = ['--lease-namespace', 'nowhere', '--watch-namespace', 'nowhere']
    const lost = await bed.operator({ name: 'lost', kubeconfig: bed.cluster.kubeconfig, flags })
    await lost.stands()
    const { status, reasons } = await lost.readiness(503, 'there is no namespace')
    t.equal(status, 503)
    t.match(reasons[0], /there is no namespace nowhere for the Lease cvmanager; create it/)
    t.match(reasons[0], '--lease-namespace')
    await bed.cluster.namespace('nowhere')
    t.equal((await lost.readiness(200)).status, 200)
    await lost.isAtWork()
    await lost.stop('SIGTERM')
  })
}
