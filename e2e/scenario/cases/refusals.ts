import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { testCa, testCertificate, testKey } from '../../../operator/registries/transport/tls.fixture.ts'
import type { KubernetesObject } from '../../harness/cluster.ts'
import { freePort } from '../../harness/ports.ts'
import type { Bed } from '../bed.ts'
import { hanging, v1, v2, v3 } from '../builds.ts'
import { type AddTest, scenario } from '../scenario.ts'
import type { World } from '../world.ts'

const spec = { config: { name: 'versions', key: 'web' }, timeoutSeconds: 120 }
const web = { deployment: 'web', running: v1, follows: 'env-prod', spec } as const
const mebibyte = 1024 * 1024

interface Obstacle {
  readonly what: string
  /** Puts it into the way of ConfigMaps. */
  readonly put: (t: Test, world: World) => Promise<void>
  readonly says: RegExp
}

const obstacles: readonly Obstacle[] = [
  {
    what: 'an admission webhook answers 400',
    put: async (t, world) => webhook(t, world, await denyingWebhook(t, 400)),
    says: /admission webhook .* denied the request: not on a Thursday/,
  },
  {
    what: 'an admission webhook is down',
    put: async (t, world) => webhook(t, world, `https://127.0.0.1:${await freePort()}/`),
    says: /failed calling webhook/,
  },
  {
    what: 'the keys of others fill the ConfigMaps',
    put: async (_, world) => {
      for (const name of ['web.history', 'versions'])
        await makeConfigMap(world, name, { data: { theirs: 'x'.repeat(mebibyte) } })
    },
    says: /Too long: may not be more than 1048576 bytes/,
  },
  {
    what: 'the ConfigMaps are immutable',
    put: async (_, world) => {
      for (const name of ['web.history', 'versions']) await makeConfigMap(world, name, { immutable: true })
    },
    says: /field is immutable/,
  },
]

/** The API server refuses a write for good. */
export function refusals(test: AddTest, bed: Bed): void {
  for (const { what, put, says } of obstacles) {
    test(`R13 the history and spec.config cannot be written, since ${what}: it is told, and the next version goes out`, async (t) => {
      const world = await scenario(t, bed, { ...web, spec: {} })
      await put(t, world)
      await world.changes('ContainerVersion', 'web-cv', { spec })
      await world.ciMoves('env-prod', v2)
      const events = await world.waitsForEvent('ContainerVersion/web-cv', 'HistoryNotWritten')
      await world.runs(v2)
      t.match(events[0], { type: 'Warning', message: says })
      t.match(
        events[0]?.message,
        /the rollout of 2222222 is not in the history of Deployment\/web: .*spec\.history\.enabled/,
      )
      t.equal(events.length, 1)
      await world.waitsFor('no finalizer', () => world.now('ContainerVersion', 'web-cv')?.finalizers.length === 0)
      await world.ciMoves('env-prod', v3)
      await world.sees('web', v3)
    })
  }

  test('a ContainerVersion is deleted during a rollout whose history is refused: the images come back, and it goes', async (t) => {
    const world = await scenario(t, bed, web)
    await policy(t, world, 'configmaps', 'RequestEntityTooLarge')
    await world.ciMoves('env-prod', hanging)
    await world.sees('web', hanging)
    await world.delete('ContainerVersion', 'web-cv')
    await world.sees('web', v1)
    await world.waitsFor('the object to be gone', () => world.now('ContainerVersion', 'web-cv') === undefined, 15_000)
  })

  test('a policy refuses the status for a while: it is told, and then the version goes out', async (t) => {
    const world = await scenario(t, bed, web)
    const lift = await policy(t, world, 'containerversions/status', 'Invalid')
    await world.ciMoves('env-prod', v2)
    const [event] = await world.waitsForEvent('ContainerVersion/web-cv', 'StatusNotWritten')
    t.match(event, {
      type: 'Warning',
      message: /cannot write ContainerVersion scenario-\d+\/web-cv.*too large for this house/,
    })
    t.equal(await world.imagePatches('web'), 0)
    await lift()
    await world.runs(v2)
  })

  test('a policy refuses the patch of a workload for a while: cvmanager makes sure of the rollout, and goes on', async (t) => {
    const world = await scenario(t, bed, web)
    const lift = await policy(t, world, 'deployments', 'Invalid')
    await world.ciMoves('env-prod', v2)
    await world.waitsForEvent('ContainerVersion/web-cv', 'PatchRefused')
    await lift()
    await world.runs(v2)
    t.equal((await world.status()).rollouts?.length, 1)
  })
}

const patch = ['patch', '--type=merge', '-p'] as const
/** A write of each resource. */
const probes = {
  configmaps: ['create', 'configmap', 'probe'],
  'containerversions/status': [...patch, '{"status": {"message": "probe"}}', '--subresource=status', 'cv/web-cv'],
  deployments: [...patch, '{"metadata": {"labels": {"probe": "yes"}}}', 'deployment/web'],
} as const

const who = "request.userInfo.username.endsWith(':cvmanager') || (has(request.dryRun) && request.dryRun)"

/** Lets cvmanager alone not write this resource of the namespace. @returns what takes the policy away */
async function policy(
  t: Test,
  world: World,
  resource: keyof typeof probes,
  reason: string,
): Promise<() => Promise<void>> {
  const { cluster } = world.bed
  const name = `${world.namespace}-${resource.replace('/', '-')}`
  const matchResources = { namespaceSelector: namespaceOf(world) }
  const rule = { apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: [resource] }
  await cluster.apply(
    admission('ValidatingAdmissionPolicy', name, {
      matchConstraints: { resourceRules: [rule] },
      matchConditions: [{ name: 'cvmanager-or-probe', expression: who }],
      validations: [{ expression: 'false', message: 'too large for this house', reason }],
    }),
    admission('ValidatingAdmissionPolicyBinding', name, {
      policyName: name,
      validationActions: ['Deny'],
      matchResources,
    }),
  )
  const lift = async () => {
    for (const kind of ['validatingadmissionpolicybinding', 'validatingadmissionpolicy'])
      await cluster.kubectl('delete', kind, name, '--ignore-not-found')
  }
  t.teardown(lift)
  await isInForce(world, ...probes[resource])
  return lift
}

async function webhook(t: Test, world: World, url: string): Promise<void> {
  const { cluster } = world.bed
  const name = `${world.namespace}.example.com`
  await cluster.apply({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name,
        clientConfig: { url, caBundle: Buffer.from(testCa).toString('base64') },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }],
        namespaceSelector: namespaceOf(world),
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Fail',
        timeoutSeconds: 2,
      },
    ],
  })
  t.teardown(() => cluster.kubectl('delete', 'validatingwebhookconfiguration', name))
  await isInForce(world, ...probes.configmaps)
}

/** The API server takes a moment to see what admits its objects. */
async function isInForce(world: World, ...write: readonly string[]): Promise<void> {
  await world.waitsFor('the API server to refuse it', () =>
    world.kubectl(...write, '--dry-run=server').then(
      () => false,
      (thrown: unknown) => /too large|denied|failed calling/.test(String(thrown)),
    ),
  )
}

async function denyingWebhook(t: Test, code: number): Promise<string> {
  const server = createServer({ cert: testCertificate, key: testKey }, (request, response) => {
    void text(request).then((body) => {
      const { uid } = (JSON.parse(body) as { request: { uid: string } }).request
      const answer = { uid, allowed: false, status: { code, message: 'not on a Thursday' } }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const namespaceOf = ({ namespace }: World) => ({ matchLabels: { 'kubernetes.io/metadata.name': namespace } })

const admission = (kind: string, name: string, spec: object): KubernetesObject => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind,
  metadata: { name },
  spec,
})

async function makeConfigMap(world: World, name: string, content: object): Promise<void> {
  await world.makes({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: world.namespace }, ...content })
}
