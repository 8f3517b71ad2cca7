import { Type } from '@sinclair/typebox'
import { type Infer, integer, oneOf, time } from './schema.ts'

/** What `kubectl get cv` shows as STATUS. */
export const phases = [
  'Pending',
  'UpToDate',
  'RollingOut',
  'RollingBack',
  'RolledBack',
  'Failed',
  'Stalled',
  'Unavailable',
] as const
export type Phase = (typeof phases)[number]

export const outcomes = ['Succeeded', 'RolledBack', 'Failed', 'Superseded', 'Aborted'] as const
export type Outcome = (typeof outcomes)[number]

const digest = (description: string) => Type.String({ description, maxLength: 256 })

const observed = Type.Object(
  {
    tag: Type.String({ description: 'The tag: spec.tag, or the one that spec.policy has chosen.' }),
    digest: digest('The digest that the tag points at; of a multi-architecture image, that of its index.'),
    version: Type.String({ description: 'The version that was found for the digest.' }),
    source: oneOf(['alias', 'label', 'digest', 'policy'], {
      description:
        'Where the version was found: an alias tag, a label of the image, the digest itself, or the tag that spec.policy has chosen.',
    }),
    firstSeenTime: time('When the tag was first seen to point at this digest.'),
  },
  { description: 'What the registry offers for the tag.' },
)

const current = Type.Object(
  {
    digest: digest('The digest that the workloads run.'),
    version: Type.String({ description: 'The version that the workloads run.' }),
    image: Type.String({ description: 'The image, as rolled out.' }),
    since: time('Since when.'),
  },
  { description: 'The version that all the workloads run.' },
)

const next = Type.Object(
  {
    digest: digest('Its digest.'),
    version: Type.String({ description: 'Its name.' }),
    heldBy: Type.String({
      description:
        'What holds it: Rollout while it is being rolled out, Quarantine after it has failed, or the reason of the condition Ready.',
    }),
  },
  { description: 'The version that is offered but not (yet) run by the workloads.' },
)

const previousImage = Type.Object(
  {
    name: Type.String({ description: "The container's name." }),
    image: Type.String({ description: 'Its image before the rollout, to the letter.' }),
  },
  { description: 'A container before the rollout.' },
)

const rolloutWorkload = Type.Object(
  {
    kind: Type.String({ description: 'Deployment, StatefulSet or DaemonSet.' }),
    name: Type.String({ description: "The workload's name." }),
    uid: Type.String({ description: 'Its UID: another workload of the same name is another workload.' }),
    previous: Type.Array(previousImage, { description: 'The images that a rollback restores.' }),
  },
  { description: 'A workload of the rollout.' },
)

const rollout = Type.Object(
  {
    id: Type.String({ description: 'Names this rollout in events and history.' }),
    phase: oneOf(['RollingOut', 'RollingBack', 'Recording'], { description: 'What is being done.' }),
    digest: digest('The digest that is rolled out.'),
    version: Type.String({ description: 'The version that is rolled out.' }),
    image: Type.String({ description: 'The image that the workloads get.' }),
    from: Type.Optional(Type.String({ description: 'The version that the workloads ran before.' })),
    startTime: time('When it began.'),
    deadline: time('When it has failed if it is not done.'),
    workloads: Type.Array(rolloutWorkload, { description: 'The workloads that move together.' }),
    outcome: Type.Optional(oneOf(outcomes, { description: 'How it ended, once that is known.' })),
    reason: Type.Optional(Type.String({ description: 'Why it failed, in one word.' })),
    message: Type.Optional(Type.String({ description: 'Why it failed.' })),
    rollbackTime: Type.Optional(time('When its rollback began.')),
    endTime: Type.Optional(time('When it ended.')),
  },
  { description: 'The rollout under way.' },
)

const pastRollout = Type.Object(
  {
    id: Type.String({ description: 'Names the rollout in events and history.' }),
    digest: digest('The digest that was rolled out.'),
    version: Type.String({ description: 'The version that was rolled out.' }),
    from: Type.Optional(Type.String({ description: 'The version that the workloads ran before.' })),
    outcome: oneOf(outcomes, { description: 'How it ended.' }),
    message: Type.Optional(Type.String({ description: 'Why it failed.' })),
    startTime: time('When it began.'),
    endTime: time('When it ended.'),
    duration: Type.String({ description: 'How long it took, e.g. 1m12s.' }),
  },
  { description: 'A rollout that has ended.' },
)

const quarantined = Type.Object(
  {
    digest: digest('The digest that failed.'),
    version: Type.String({ description: 'Its version.' }),
    outcome: oneOf(['RolledBack', 'Failed'], {
      description: 'What was done about it: RolledBack, or Failed where it was left in place.',
    }),
    message: Type.String({ description: 'Why it failed.' }),
    since: time('When it failed.'),
    generation: integer({
      description: 'The generation of the spec under which it failed; a newer one tries it again.',
    }),
  },
  { description: 'A version that failed and is not tried again.' },
)

const condition = Type.Object(
  {
    type: oneOf(['Ready', 'Progressing', 'Stalled'], { description: 'Ready, Progressing or Stalled.' }),
    status: oneOf(['True', 'False', 'Unknown'], { description: 'True, False or Unknown.' }),
    reason: Type.String({ description: 'The cause in one CamelCase word, stable enough to alert on.' }),
    message: Type.String({ description: 'The cause, and what to do.', maxLength: 32_768 }),
    lastTransitionTime: time('When status last changed.'),
    observedGeneration: integer({ description: 'The generation of the spec that this speaks of.' }),
  },
  { description: 'One aspect of the state, by the rules of the Kubernetes API conventions.' },
)

export const statusSchema = Type.Object(
  {
    observedGeneration: Type.Optional(
      integer({ description: 'The generation of the spec that this status speaks of.' }),
    ),
    phase: Type.Optional(oneOf(phases, { description: 'The state in one word.' })),
    message: Type.Optional(Type.String({ description: 'The state in one sentence.' })),
    observed: Type.Optional(observed),
    current: Type.Optional(current),
    next: Type.Optional(next),
    rollout: Type.Optional(rollout),
    rollouts: Type.Optional(Type.Array(pastRollout, { description: 'The last rollouts, newest first.', maxItems: 10 })),
    quarantined: Type.Optional(
      Type.Array(quarantined, {
        description: 'Versions that failed and are not tried again until the tag moves on or the spec changes.',
        maxItems: 10,
      }),
    ),
    conditions: Type.Optional(
      Type.Array(condition, {
        description:
          'Ready: the workloads run what the tag points at, or the policy chooses. Progressing: a rollout is under way. Stalled: only a change by a person helps.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      }),
    ),
  },
  { description: 'What cvmanager sees and does. Written by cvmanager alone.' },
)

export type ContainerVersionStatus = Infer<typeof statusSchema>
export type Condition = Infer<typeof condition>
export type RolloutStatus = Infer<typeof rollout>
export type PastRollout = Infer<typeof pastRollout>
export type Quarantined = Infer<typeof quarantined>
