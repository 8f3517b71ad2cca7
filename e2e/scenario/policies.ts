/** Admission policies of one namespace, as administrators apply them. */
import type { KubernetesObject } from '../harness/cluster.ts'
import { containerName } from './manifests.ts'
import type { World } from './world.ts'

const apiVersion = 'admissionregistration.k8s.io/v1'

const matching = ({ namespace }: World) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  resourceRules: [
    { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] },
  ],
})

/** Rewrites the image of the first container of each Deployment. @param image an expression, in which `image` is the old one */
export function rewritesImages(world: World, image: string): Promise<void> {
  const at = '/spec/template/spec/containers/0/image'
  const written = image.replaceAll(/\bimage\b/g, 'object.spec.template.spec.containers[0].image')
  return enforce(world, 'MutatingAdmissionPolicy', {
    matchConstraints: matching(world),
    reinvocationPolicy: 'Never',
    mutations: [
      {
        patchType: 'JSONPatch',
        jsonPatch: { expression: `[JSONPatch{op: "replace", path: "${at}", value: ${written}}]` },
      },
    ],
  })
}

/** Refuses Deployments that get this image. */
export function refusesImage(world: World, image: string): Promise<void> {
  const expression = `object.spec.template.spec.containers.all(container, container.image != "${image}")`
  return enforce(world, 'ValidatingAdmissionPolicy', {
    matchConstraints: matching(world),
    validations: [{ expression, message: `${image} is not allowed` }],
  })
}

async function enforce(world: World, kind: string, spec: object): Promise<void> {
  const { cluster } = world.bed
  const metadata = { name: world.namespace }
  const binding = { policyName: world.namespace, ...(kind.startsWith('V') ? { validationActions: ['Deny'] } : {}) }
  await cluster.apply(
    { apiVersion, kind, metadata, spec: { failurePolicy: 'Fail', ...spec } } as KubernetesObject,
    { apiVersion, kind: `${kind}Binding`, metadata, spec: binding } as KubernetesObject,
  )
}

/** The API server takes a moment to know a policy. @param holds whether a dry run of this image shows its effect */
export async function isInForce(world: World, image: string, holds: (answer: string) => boolean): Promise<void> {
  const template = { spec: { containers: [{ name: containerName, image }] } }
  const patch = JSON.stringify({ metadata: { annotations: { probe: image } }, spec: { template } })
  await world.waitsFor('the policy to be in force', async () => {
    const answer = await world
      .kubectl('patch', 'deployment/web', '-p', patch, '--dry-run=server', '-o', 'json')
      .catch((thrown: unknown) => String(thrown))
    return holds(answer)
  })
}
