import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Bed } from '../bed.ts'
import { command } from '../command.ts'
import { cleared, isMoved, oldWorld, seen } from '../old-world.ts'
import { bundle } from '../operator.ts'
import type { World } from '../world.ts'
import { WriteProxy } from '../write-proxy.ts'

/** `migrate --apply`: the old program stops before the new objects come, and no pod restarts. */
export async function movedCluster(t: Test, bed: Bed): Promise<void> {
  const { cluster } = bed
  const { directory, kubeconfig } = cluster
  const migrate = (...flags: readonly string[]) =>
    command(directory, 'migrate', '--apply', '--k8s-config', kubeconfig, ...flags)

  await t.test('a dry run says every step, and changes nothing', async (t) => {
    const world = await oldWorld(t, bed)
    const before = await seen(world)
    const { status, output, complaint } = await migrate('--dry-run')
    t.same([status, complaint], [0, ''])
    t.match(output, /^Deployment kube-system\/cvmanagerapp: scale the old manager to 0 pods \(dry run\)$/m)
    t.match(output, new RegExp(`^Deployment ${world.namespace}/crsync-web-cv: delete the syncer \\(dry run\\)$`, 'm'))
    t.match(output, new RegExp(`^KCD ${world.namespace}/carts: create it in cvmanager.io, delete it in custom`, 'm'))
    t.match(output, /^ {2}spec\.versionSyntax must match the whole tag now/m)
    t.match(output, /The API server takes all 4 objects\.\n$/)
    t.same(await seen(world), before)
    const refused = await command(directory, 'migrate', '--apply', '--k8s-config', bed.kubeconfig)
    t.match(refused, {
      status: 1,
      output: '',
      complaint:
        /service account cvmanager:cvmanager may not list .*; cvmanager migrate needs an administrator's rights$/m,
    })
    await cleared(world)
  })

  await t.test('while a pod of the old program is left, there is no new object', async (t) => {
    const world = await oldWorld(t, bed)
    const newObjects = () => world.kubectl('get', 'containerversions.cvmanager.io', '-o', 'name')
    for (const held of ['manager', 'syncer'] as const) {
      const release = await holdPod(world, held)
      const { status, complaint } = await migrate('--timeout', '2s')
      t.equal(status, 5)
      t.match(complaint, /^error: (Deployment|Pod) .* of the old program is still there, and nothing new was created/)
      t.equal(await newObjects(), '')
      const syncers = await world.kubectl('get', 'deployments', '-o', 'name')
      if (held === 'manager') t.match(syncers, 'crsync-web-cv', 'a syncer would be made again')
      await release()
    }
    t.match(await migrate(), { status: 0, complaint: '', output: /Moved 4 objects\.\n$/ })
    await isMoved(t, world)
    t.match(await migrate(), { status: 0, output: /^Nothing to move: / }, 'once more does nothing')
    await cleared(world)
  })

  await t.test('an object of that name that did not come from the old one is in the way', async (t) => {
    const world = await oldWorld(t, bed)
    const before = await seen(world)
    const object = {
      apiVersion: 'cvmanager.io/v1',
      kind: 'ContainerVersion',
      metadata: { name: 'carts', namespace: world.namespace },
    }
    await cluster.apply({ ...object, spec: { imageRepo: 'a/b', tag: 'c', selector: { a: 'b' } } })
    t.match(await migrate(), {
      status: 1,
      output: '',
      complaint:
        /^error: ContainerVersion .*\/carts is in cvmanager\.io already, .*; delete one of the two: kubectl delete kcds/,
    })
    t.same((await seen(world)).manager, before.manager)
    await cleared(world)
  })

  await t.test('which manager is old is found out, or said', async (t) => {
    const world = await oldWorld(t, bed)
    await cluster.kubectl('delete', 'deployment', 'cvmanagerapp', '-n', 'kube-system')
    t.match(await migrate(), {
      status: 2,
      output: '',
      complaint: /no Deployment runs the old manager, .*--old-manager/,
    })
    const wrong = await migrate('--old-manager', 'kube-system/gone')
    t.match(wrong, { status: 2, complaint: /--old-manager: there is no Deployment gone in namespace kube-system/ })
    t.match(await migrate('--old-manager', 'none'), { status: 0 })
    await isMoved(t, world, false)
    await cleared(world)
  })

  await t.test('R1 killed at each of its writes, it goes on where it stopped', async (t) => {
    const undisturbed = await killedMove(t, bed)
    t.ok(undisturbed.length > 8, undisturbed.join(', '))
    // The first writes are dry runs; after the second object, the steps only repeat.
    const first = undisturbed.findIndex((write) => write.startsWith('PATCH'))
    t.ok(first > 0)
    for (const [at, write] of [...undisturbed.entries()].slice(first - 1, first + 6))
      await t.test(`killed after write ${at + 1} (${write})`, async (t) => {
        await killedMove(t, bed, at + 1)
      })
  })
}
/** A finalizer keeps the pod there, as a container does that does not end. @returns what lets it go */
async function holdPod({ bed, namespace }: World, which: 'manager' | 'syncer'): Promise<() => Promise<void>> {
  const where = which === 'manager' ? ['kube-system', 'app=cvmanager'] : [namespace, 'controller=web-cv']
  const [space = '', labels = ''] = where
  const name = await bed.cluster.kubectl(...['get', 'pods', '-n', space, '-l', labels, '-o', 'name'])
  const patch = (finalizers: readonly string[]) =>
    bed.cluster.kubectl(
      'patch',
      name.trim(),
      '-n',
      space,
      '--type=merge',
      '-p',
      JSON.stringify({ metadata: { finalizers } }),
    )
  await patch(['e2e.cvmanager.io/held'])
  return async () => void (await patch([]))
}

/** Kills a move after a write, and runs it again. @returns the writes of a move that is not killed */
async function killedMove(t: Test, bed: Bed, write?: number): Promise<readonly string[]> {
  const world = await oldWorld(t, bed)
  const { directory, kubeconfig } = bed.cluster
  const before = await seen(world)
  const proxy = await WriteProxy.before(kubeconfig)
  t.teardown(() => proxy.stop())
  const proxied = await proxy.writeKubeconfig(join(directory, `${world.namespace}.kubeconfig`))
  const args = [await bundle(directory), 'migrate', '--apply', '--k8s-config', proxied]
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH ?? '', HOME: directory } })
  t.teardown(() => child.kill('SIGKILL'))
  if (write !== undefined) proxy.killAt({ at: write, when: 'after' }, () => child.kill('SIGKILL'))
  const status = await new Promise((resolve) => child.once('close', resolve))
  t.equal(status, write === undefined ? 0 : null, 'it was killed, or has ended')
  if (write !== undefined) {
    const { status, complaint } = await command(directory, 'migrate', '--apply', '--k8s-config', kubeconfig)
    t.same([status, complaint], [0, ''])
  }
  await isMoved(t, world)
  t.same(await seen(world), { ...before, manager: 0, syncers: [] })
  await cleared(world)
  return proxy.writes
}
