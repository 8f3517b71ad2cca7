import type { KubernetesObject } from '../harness/cluster.ts'
import { type Build, hanging, v1 } from './builds.ts'
import type { World } from './world.ts'

export interface RawPod {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] }
  readonly status: { readonly phase: string }
}

export const podPath = ({ namespace }: World, name = '', subresource = ''): string =>
  `/api/v1/namespaces/${namespace}/pods/${name}${subresource}`

export async function podsOf(world: World, app: string): Promise<readonly RawPod[]> {
  const query = { labelSelector: `app=${app}` }
  return (await world.bed.client.get<{ items: readonly RawPod[] }>(podPath(world).slice(0, -1), { query })).items
}

/** A pod that nothing controls. */
export function bare(world: World, name: string, labels: object, build: Build): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: world.namespace, labels },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: world.imageOf(build) }] },
  }
}

/** Writes the state of the container `main`, as the kubelet does. */
export async function writesStatus(world: World, name: string, state: object, ready = false): Promise<void> {
  await world.bed.client.strategicPatch(podPath(world, name, '/status'), {
    status: {
      conditions: ['Ready', 'ContainersReady'].map((type) => ({ type, status: ready ? 'True' : 'False' })),
      containerStatuses: [
        {
          name: 'main',
          image: world.imageOf(hanging),
          imageID: '',
          restartCount: 0,
          ready,
          state: { running: null, ...state },
        },
      ],
    },
  })
}

export const quota = ({ namespace }: World): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'compute', namespace },
  spec: { hard: { pods: '1' } },
})

/** As a policy for a mirror does: each pod of the namespace gets its images from there. */
export async function rewritesPodImages(world: World): Promise<void> {
  const { bed, namespace } = world
  const name = `mirror-${namespace}`
  const api = { apiVersion: 'admissionregistration.k8s.io/v1' }
  const mirrored =
    "object.spec.containers.map(c, Object.spec.containers{name: c.name, image: 'mirror.example.com/' + c.image.substring(c.image.indexOf('/') + 1)})"
  await bed.cluster.apply(
    {
      ...api,
      kind: 'MutatingAdmissionPolicy',
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        reinvocationPolicy: 'Never',
        matchConstraints: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
        },
        mutations: [
          {
            patchType: 'ApplyConfiguration',
            applyConfiguration: { expression: `Object{spec: Object.spec{containers: ${mirrored}}}` },
          },
        ],
      },
    },
    { ...api, kind: 'MutatingAdmissionPolicyBinding', metadata: { name }, spec: { policyName: name } },
  )
  await world.waitsFor('the policy to be in force', async () => {
    const query = { dryRun: 'All' }
    const made = await bed.client.create<RawPod>(podPath(world).slice(0, -1), bare(world, 'probe', {}, v1), { query })
    return isMirrored(made)
  })
}

export const isMirrored = ({ spec }: RawPod): boolean =>
  spec.containers.every(({ image }) => image.startsWith('mirror.example.com/'))
