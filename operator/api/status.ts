import { Type } from '@sinclair/typebox'
import { pastRollout, rollout } from './rollout-status.ts'
import { digest, type Infer, integer, oneOf, time } from './schema.ts'

/** The column STATUS of `kubectl get cv`. */
export const phases = [
  'Pending',
  'UpToDate',
  'RollingOut',
  'Verifying',
  'RollingBack',
  'RolledBack',
  'Failed',
  'Stalled',
  'Unavailable',
] as const
export type Phase = (typeof phases)[number]

const observed = Type.Object(
  {
    tag: Type.String({ description: 'The tag: spec.tag, or the choice of spec.policy.' }),
    digest: digest('The digest that the tag points at; for a multi-architecture image, the digest of its index.'),
    version: Type.String({
      description: 'The version that belongs to the digest. If it has no name: sha256: and the first 12 digits.',
    }),
    source: oneOf(['alias', 'label', 'digest', 'policy'], {
      description:
        'The source of the version: a tag on the image (an alias, or the followed tag itself if versionSyntax matches it), a label of the image, the digest in short, or the choice of spec.policy.',
    }),
    hint: Type.Optional(
      Type.String({ description: 'Why the version is the digest, which tags there are, and what to write.' }),
    ),
    firstSeenTime: time('When cvmanager first saw the tag point at this digest.'),
  },
  { description: 'The version that the registry offers.' },
)

const runningImage = Type.Object(
  {
    workload: Type.String({ description: 'The workload, e.g. Deployment/web.' }),
    container: Type.String({ description: "The container's name." }),
    version: Type.String({ description: 'The version that it runs.' }),
    image: Type.String({ description: 'The image in the pod template.' }),
  },
  { description: 'What one container runs.' },
)

const current = Type.Object(
  {
    digest: Type.Optional(digest('The digest that the workloads run; absent if they differ, or if it is not known.')),
    version: Type.String({
      description:
        'The version that the workloads run, whoever has set it. If they differ, each one once, e.g. v1.1.0, v1.3.0. An image of another repository is named with its repository.',
    }),
    image: Type.Optional(Type.String({ description: 'The image in the pod templates; absent if they differ.' })),
    since: time('Since when the workloads run it, as far as cvmanager has seen.'),
    containers: Type.Optional(
      Type.Array(runningImage, {
        description: 'What each container runs. Only if their images differ.',
        maxItems: 50,
      }),
    ),
  },
  {
    description:
      'What the pod templates of the workloads say now. During a rollout: what they said before it. Absent if there is no workload.',
  },
)

const drift = Type.Object(
  {
    workload: Type.String({ description: 'The workload, e.g. Deployment/web.' }),
    version: Type.String({ description: 'The version that it was set to.' }),
    image: Type.String({ description: 'The image that it was set to.' }),
    from: Type.Optional(Type.String({ description: 'The version that ran before.' })),
    by: Type.Optional(Type.String({ description: 'Who set it, according to managedFields, e.g. kubectl-set.' })),
    setTime: Type.Optional(time('When it was set, according to managedFields.')),
    firstSeenTime: time('When cvmanager saw it.'),
    message: Type.String({ description: 'Who set what, and what cvmanager does about it.' }),
  },
  { description: 'An image that somebody else than cvmanager has set.' },
)

const healthyVersion = Type.Object(
  {
    digest: digest('The digest of the version.'),
    version: Type.String({ description: 'The name of the version.' }),
    image: Type.String({ description: 'The image, as rolled out.' }),
  },
  { description: 'A version with which all workloads were healthy.' },
)

const next = Type.Object(
  {
    digest: digest('The digest of the version.'),
    version: Type.String({ description: 'The name of the version.' }),
    heldBy: Type.String({
      description:
        'What holds the version: Rollout while it is being rolled out, Quarantine after it has failed, or the reason of the condition Ready.',
    }),
  },
  { description: 'The version that the registry offers but the workloads do not run (yet).' },
)

const quarantined = Type.Object(
  {
    digest: digest('The digest that failed.'),
    version: Type.String({ description: 'The version that failed.' }),
    outcome: oneOf(['RolledBack', 'Failed'], {
      description: 'The outcome: RolledBack, or Failed if the version was left in place.',
    }),
    message: Type.String({ description: 'The cause of the failure in short. The entry of rollouts has all of it.' }),
    since: time('When the version failed.'),
    generation: integer({
      description: 'The generation of the spec with which the version failed. A newer generation is a new attempt.',
    }),
  },
  { description: 'A version that failed and is not retried.' },
)

const held = Type.Object(
  {
    by: Type.String({ description: 'The gate, in one CamelCase word.' }),
    name: Type.Optional(
      Type.String({ description: 'Which one of several of its kind: the paused workloads, for example.' }),
    ),
    message: Type.String({ description: 'Why it holds the version, and what ends that.' }),
    until: Type.Optional(time('When it is asked again at the latest.')),
  },
  { description: 'What holds a version back.' },
)

const condition = Type.Object(
  {
    type: oneOf(['Ready', 'Progressing', 'Stalled'], { description: 'Ready, Progressing or Stalled.' }),
    status: oneOf(['True', 'False', 'Unknown'], { description: 'True, False or Unknown.' }),
    reason: Type.String({ description: 'The cause in one CamelCase word. It is stable, so that alerts can use it.' }),
    message: Type.String({
      description: 'The cause in one short sentence. status.message says more.',
      maxLength: 32_768,
    }),
    lastTransitionTime: time('When status last changed.'),
    observedGeneration: integer({ description: 'The generation of the spec that the condition describes.' }),
  },
  { description: 'One aspect of the state, as the Kubernetes API conventions define it.' },
)

export const statusSchema = Type.Object(
  {
    observedGeneration: Type.Optional(
      integer({ description: 'The generation of the spec that the status describes.' }),
    ),
    phase: Type.Optional(oneOf(phases, { description: 'The state in one word.' })),
    message: Type.Optional(Type.String({ description: 'The state in one sentence.' })),
    follows: Type.Optional(
      Type.String({ description: 'spec.policy in short, e.g. semver ~1.4, for the column TAG. Absent with spec.tag.' }),
    ),
    shortDigest: Type.Optional(
      Type.String({ description: 'The digest of current in short, for the column DIGEST of -o wide.' }),
    ),
    observed: Type.Optional(observed),
    current: Type.Optional(current),
    lastHealthy: Type.Optional(
      Type.Array(healthyVersion, {
        description:
          'The versions with which all workloads were healthy, newest first. A rollback goes back to one of them if a workload was not healthy when the rollout began.',
        maxItems: 2,
      }),
    ),
    next: Type.Optional(next),
    held: Type.Optional(
      Type.Array(held, { description: 'All that holds the version on offer back, not only the first.', maxItems: 16 }),
    ),
    rollout: Type.Optional(rollout),
    lastHandledReconcileAt: Type.Optional(
      Type.String({ description: 'The value of the annotation cvmanager.io/reconcile that was handled last.' }),
    ),
    deployed: Type.Optional(
      Type.Boolean({ description: 'Whether there is a current version. A copy, for readers of the first cvmanager.' }),
    ),
    currVersion: Type.Optional(
      Type.String({ description: 'The version of the last rollout. A copy, for readers of the first cvmanager.' }),
    ),
    currStatus: Type.Optional(
      oneOf(['Progressing', 'Success', 'Failed'], {
        description: 'How the last rollout stands. A copy, for readers of the first cvmanager.',
      }),
    ),
    currStatusTime: Type.Optional(time('When currVersion or currStatus last changed.')),
    successVersion: Type.Optional(
      Type.String({ description: 'The version of current. A copy, for readers of the first cvmanager.' }),
    ),
    rollouts: Type.Optional(Type.Array(pastRollout, { description: 'The last rollouts, newest first.', maxItems: 10 })),
    quarantined: Type.Optional(
      Type.Array(quarantined, {
        description: 'Versions that failed. They are not retried until the tag moves on or the spec changes.',
        maxItems: 10,
      }),
    ),
    drifts: Type.Optional(
      Type.Array(drift, {
        description: 'The last images that somebody else than cvmanager has set, newest first.',
        maxItems: 20,
      }),
    ),
    conditions: Type.Optional(
      Type.Array(condition, {
        description:
          'Ready: the workloads run the version of the tag or the policy. Progressing: a rollout is in progress. Stalled: only a change by a person helps.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      }),
    ),
  },
  { description: 'The state that cvmanager observes. Only cvmanager writes it.' },
)

export type ContainerVersionStatus = Infer<typeof statusSchema>
export type CurrentVersion = Infer<typeof current>
export type Held = Infer<typeof held>
export type Drift = Infer<typeof drift>
export type Condition = Infer<typeof condition>
export type HealthyVersion = Infer<typeof healthyVersion>
export type Quarantined = Infer<typeof quarantined>
