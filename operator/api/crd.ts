import { apiVersion, group, kind, plural, version } from './names.ts'
import { specSchema } from './spec.ts'
import { statusSchema } from './status.ts'

const column = (name: string, jsonPath: string, description: string, priority = 0, type = 'string') => ({
  name,
  type,
  jsonPath,
  description,
  ...(priority > 0 ? { priority } : {}),
})

/** The CustomResourceDefinition. `make generate` writes it to `crds/`. */
export const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, listKind: `${kind}List`, plural, singular: 'containerversion', shortNames: ['cv'] },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          // A column is one path: spec.tag, or else status.follows. No object has both, and nothing else at its top has either.
          column('Tag', ".*['tag','follows']", 'The tag or the policy that the workloads follow'),
          column('Version', '.status.current.version', 'The version that the workloads run'),
          column('Status', '.status.phase', 'The state in one word'),
          column('Strategy', '.spec.strategy.kind', 'How versions are rolled out'),
          column('Age', '.metadata.creationTimestamp', 'The age of the object', 0, 'date'),
          column('Digest', '.status.shortDigest', 'The digest that the workloads run, in short', 1),
          column(
            'Next',
            '.status.next.version',
            'The version that the registry offers but the workloads do not run',
            1,
          ),
          column('Message', '.status.message', 'The state in one sentence', 1),
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description:
              'A ContainerVersion connects an image tag with workloads. When the tag moves, cvmanager rolls out the version behind it.',
            required: ['spec'],
            properties: {
              apiVersion: { type: 'string', description: `${apiVersion}.` },
              kind: { type: 'string', description: `${kind}.` },
              metadata: { type: 'object' },
              spec: specSchema,
              status: statusSchema,
            },
          },
        },
      },
    ],
  },
} as const
