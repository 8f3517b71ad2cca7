/** The program of 2018 as it was installed: its definitions, its manager, the syncers that it made, its objects. */
import { parseAllDocuments } from 'yaml'
import type { KubernetesObject } from '../harness/cluster.ts'
import { digestAnnotation } from '../harness/pod-marks.ts'
import type { Build } from './builds.ts'
import { workload } from './manifests.ts'
import type { World } from './world.ts'

const oldDefinition = (plural: string, kind: string, annotations: object): KubernetesObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.custom.k8s.io`, annotations },
  spec: {
    group: 'custom.k8s.io',
    scope: 'Namespaced',
    names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        // Its schema was not structural, and dropped nothing.
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
})

/** Without the annotation, the API server takes no new definition of a group that ends in k8s.io. */
const unapproved = { 'api-approved.kubernetes.io': 'unapproved, as it was in 2018' }
export const oldDefinitions = (annotations: object = unapproved): readonly KubernetesObject[] => [
  oldDefinition('containerversions', 'ContainerVersion', annotations),
  oldDefinition('kcds', 'KCD', annotations),
]

/** As k8s/kubectl/cvmanager.yaml had it. */
export const oldManager = (replicas = 1): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'cvmanagerapp', namespace: 'kube-system', labels: { app: 'cvmanager' } },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'cvmanager' } },
    template: {
      metadata: { labels: { app: 'cvmanager', component: 'cvmanagerapp' } },
      spec: {
        containers: [
          {
            name: 'cvmanagerapp',
            image: 'nearmap/cvmanager:latest',
            args: [
              'run',
              '--configmap-key=kube-system/cvmanager',
              '--rollback=false',
              '--cv-img-repo=nearmap/cvmanager',
            ],
          },
        ],
      },
    },
  },
})

/** The object for the manager itself that came with it. */
export const managersOwnObject = `
kind: ContainerVersion
apiVersion: custom.k8s.io/v1
metadata: {name: cvmanager-cv, namespace: kube-system}
spec:
  imageRepo: nearmap/cvmanager
  tag: latest
  selector: {cvapp: cvmanagercv}
  container: {name: cvmanagerapp}
`

/** One of each time: of late 2018, of KCD, and of the first months, which named a Deployment. */
export const oldObjects = ({ namespace, repository }: World): string => `
kind: ContainerVersion
apiVersion: custom.k8s.io/v1
metadata: {name: web-cv, namespace: ${namespace}}
spec:
  imageRepo: ${repository}
  tag: env-prod
  versionSyntax: '[0-9a-f]{5,40}'
  pollIntervalSeconds: 5
  livenessSeconds: 300
  timeoutSeconds: 60
  selector: {cvapp: web}
  container: {name: main}
  config: {name: versions, key: web}
---
kind: KCD
apiVersion: custom.k8s.io/v1
metadata: {name: carts, namespace: ${namespace}}
spec:
  imageRepo: ${repository}
  tag: env-prod
  pollIntervalSeconds: 5
  selector: {kcdapp: carts}
  container: {name: main}
  strategy: {kind: '', blueGreen: null, verify: null}
  history: {enabled: false, name: ''}
  rollback: {enabled: true}
status: {deployed: true, currVersion: '1111111', currStatus: Success}
---
kind: ContainerVersion
apiVersion: custom.k8s.io/v1
metadata: {name: early-cv, namespace: ${namespace}}
spec:
  imageRepo: ${repository}
  tag: env-prod
  checkFrequency: 1
  deployment: {name: early, container: main}
`

/** Workloads that the old program has set to a version: the image has no digest. */
export function oldWorkloads({ namespace, repository }: World, { name, digest }: Build): readonly KubernetesObject[] {
  const common = { namespace, image: `${repository}:${name}`, podAnnotations: { [digestAnnotation]: digest } }
  return [
    workload({ ...common, kind: 'Deployment', name: 'web', labels: { cvapp: 'web' } }),
    workload({ ...common, kind: 'StatefulSet', name: 'carts', labels: { kcdapp: 'carts' } }),
    workload({ ...common, kind: 'Deployment', name: 'early', labels: { app: 'early', chart: 'early-0.1.0' } }),
  ]
}

/** What the old manager made for one of its objects. */
export async function oldSyncer(world: World, name: string): Promise<KubernetesObject> {
  const { metadata } = await world.bed.cluster.kubectlJson<{ metadata: { uid: string } }>(
    ...['get', 'containerversions.custom.k8s.io', name, '-n', world.namespace],
  )
  const labels = { app: 'cr-syncer', controller: name }
  const owner = { apiVersion: 'custom.k8s.io/v1', kind: 'ContainerVersion', name, uid: metadata.uid }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: `crsync-${name}`,
      namespace: world.namespace,
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [
            {
              name: `crsync-${name}-container`,
              image: 'nearmap/cvmanager:latest',
              args: ['cr', 'sync', `--cv=${name}`],
            },
          ],
        },
      },
    },
  }
}

export const documentsOf = (text: string): readonly KubernetesObject[] =>
  parseAllDocuments(text).flatMap((one) => (one.toJS() as KubernetesObject | null) ?? [])
