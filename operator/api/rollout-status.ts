/** The part of the status about rollouts: the one in progress, and those that have ended. */
import { Type } from '@sinclair/typebox'
import type { Check } from './checks.ts'
import { checkKinds, outcomes, strategyKinds } from './names.ts'
import { digest, type Infer, integer, oneOf, time } from './schema.ts'
import type { StrategySpec } from './strategy.ts'

const previousImage = Type.Object(
  {
    name: Type.String({ description: "The container's name." }),
    image: Type.String({ description: 'The exact image.' }),
    rewritten: Type.Optional(
      Type.String({ description: 'What the API server stored instead of the image of the rollout.' }),
    ),
  },
  { description: 'The image that a rollback restores in a container.' },
)

const rolloutWorkload = Type.Object(
  {
    kind: Type.String({ description: 'The kind, e.g. Deployment.' }),
    name: Type.String({ description: "The workload's name." }),
    uid: Type.String({ description: "The workload's UID, which tells it from a later workload of the same name." }),
    previous: Type.Array(previousImage, {
      description:
        'The images that a rollback restores: those before the rollout, or those that last ran well if the workload was not healthy with them.',
    }),
    replicas: Type.Optional(
      integer({ description: 'The replicas before the rollout, of a strategy that changes them.' }),
    ),
    unproven: Type.Optional(
      Type.Boolean({
        description: 'The workload was not healthy with its previous images, and no better ones are known.',
      }),
    ),
    unavailableBefore: Type.Optional(
      integer({
        description:
          'How many of its pods were unavailable because of their nodes before the rollout, which does not wait for them.',
      }),
    ),
    restartsBefore: Type.Optional(
      integer({ description: 'How often the containers of a Pod had restarted before the rollout.' }),
    ),
  },
  { description: 'A workload of the rollout.' },
)

const progress = Type.Object(
  {
    reason: Type.Optional(Type.String({ description: 'PatchRefused or PodsRefused, if the API server refuses it.' })),
    message: Type.String({ description: 'How many pods have the version, and what the others wait for.' }),
    time: time('When it was like that. It is written ever less often while the rollout lasts.'),
  },
  { description: 'How far the rollout is.' },
)

const step = Type.Object(
  {
    index: integer({ description: 'The number of the step, from 1.' }),
    of: integer({ description: 'How many steps there are.' }),
    name: Type.String({ description: 'What the step does.' }),
    since: time('When the step began.'),
    waitingFor: Type.Optional(
      Type.String({ description: 'What the step waits for while the clock of the rollout stands still.' }),
    ),
  },
  { description: 'The step that the rollout is at.' },
)

export const checkStates = ['Pending', 'Running', 'Passed', 'Failed', 'Error'] as const
export type CheckState = (typeof checkStates)[number]

const checkPod = Type.Object(
  {
    name: Type.String({ description: "The pod's name." }),
    uid: Type.String({ description: "The pod's UID." }),
  },
  { description: 'A pod of a check.' },
)

const checkStatus = Type.Object(
  {
    name: Type.String({ description: 'The name of the check.' }),
    kind: oneOf(checkKinds, { description: 'The kind of the check.' }),
    step: Type.String({
      description: 'When it runs: container (before anything is changed), or strategy (while the version runs).',
    }),
    state: oneOf(checkStates, { description: 'Pending, Running, Passed, Failed, or Error if it could not be run.' }),
    passes: Type.Optional(integer({ description: 'How many measurements were good.' })),
    failures: Type.Optional(integer({ description: 'How many measurements were bad.' })),
    since: Type.Optional(time('When it began.')),
    measuredTime: Type.Optional(time('When it measured last.')),
    endTime: Type.Optional(time('When it ended.')),
    pods: Type.Optional(
      Type.Array(checkPod, {
        description: 'Its pods. There is a second one if the first has disappeared before its end.',
        maxItems: 2,
      }),
    ),
    message: Type.Optional(
      Type.String({ description: 'What it waits for, or what came of it: the last lines of its log, for example.' }),
    ),
  },
  { description: 'A check of the version.' },
)

const service = Type.Object(
  {
    name: Type.String({ description: "The Service's name." }),
    uid: Type.String({ description: "The Service's UID." }),
    selector: Type.Unsafe<Record<string, string>>({
      type: 'object',
      additionalProperties: Type.String({ description: "The label's value." }),
      description: 'The selector before the rollout, which a rollback restores.',
    }),
  },
  { description: 'A Service that the rollout switches.' },
)

const services = Type.Optional(
  Type.Array(service, { description: 'The Services that the rollout switches, that of the users first.', maxItems: 2 }),
)
const switchTime = Type.Optional(
  time('When the version began to serve users, of a strategy that switches them from one workload to another.'),
)
const switchBackTime = Type.Optional(time('When the version no longer served users.'))

/** What a rollout goes by, whatever the spec says later. */
export interface RolloutSettings {
  readonly timeoutSeconds: number
  readonly strategy: StrategySpec
  /** `spec.container.verify`. */
  readonly verify: readonly Check[]
}

const settings = Type.Unsafe<RolloutSettings>({
  type: 'object',
  description: 'The settings of the spec when the rollout began. It goes by them, whatever the spec says later.',
  'x-kubernetes-preserve-unknown-fields': true,
})

export const rollout = Type.Object(
  {
    id: Type.String({ description: 'The ID of the rollout in events and history.' }),
    phase: oneOf(['RollingOut', 'RollingBack', 'Recording'], { description: 'The current phase of the rollout.' }),
    digest: digest('The digest to roll out.'),
    version: Type.String({ description: 'The version to roll out.' }),
    image: Type.String({ description: 'The image that the workloads get.' }),
    from: Type.Optional(Type.String({ description: 'The version that the workloads ran before.' })),
    startTime: time('When the rollout began.'),
    deadline: time('When the rollout fails if its step is not complete.'),
    strategy: Type.Optional(oneOf(strategyKinds, { description: 'The strategy.' })),
    settings: Type.Optional(settings),
    step: Type.Optional(step),
    workloads: Type.Array(rolloutWorkload, { description: 'The workloads that move together.' }),
    replaced: Type.Optional(
      Type.Array(Type.String({ description: 'The exact image.' }), {
        description:
          'The images of the rollouts that this one has replaced, the last one first. A workload that still has one of them gets its previous image in a rollback, too.',
        maxItems: 10,
      }),
    ),
    services,
    switchTime,
    switchBackTime,
    checks: Type.Optional(
      Type.Array(checkStatus, { description: 'The checks of the version, in their order.', maxItems: 32 }),
    ),
    outcome: Type.Optional(oneOf(outcomes, { description: 'The outcome, once it is known.' })),
    reason: Type.Optional(Type.String({ description: 'Why the version failed or could not be tried, in one word.' })),
    message: Type.Optional(Type.String({ description: 'Why the version failed or could not be tried.' })),
    progress: Type.Optional(progress),
    waitingSince: Type.Optional(
      time(
        'Since when the rollout waits for checks, or for a person to resume a workload or to delete pods. The deadline moves by that time.',
      ),
    ),
    rollbackTime: Type.Optional(time('When the rollback began.')),
    endTime: Type.Optional(time('When the rollout ended.')),
  },
  { description: 'The rollout in progress.' },
)

export const pastRollout = Type.Object(
  {
    id: Type.String({ description: 'The ID of the rollout in events and history.' }),
    digest: digest('The digest that was rolled out.'),
    version: Type.String({ description: 'The version that was rolled out.' }),
    from: Type.Optional(Type.String({ description: 'The version that the workloads ran before.' })),
    outcome: oneOf(outcomes, {
      description: 'The outcome. Aborted: the version could not be tried, or the ContainerVersion was deleted.',
    }),
    reason: Type.Optional(Type.String({ description: 'Why the version failed or could not be tried, in one word.' })),
    message: Type.Optional(Type.String({ description: 'Why the version failed or could not be tried.' })),
    generation: Type.Optional(integer({ description: 'The generation of the spec when the rollout ended.' })),
    startTime: time('When the rollout began.'),
    endTime: time('When the rollout ended.'),
    duration: Type.String({ description: 'The duration, e.g. 1m12s.' }),
    strategy: Type.Optional(oneOf(strategyKinds, { description: 'The strategy.' })),
    checks: Type.Optional(
      Type.Array(checkStatus, {
        description: 'The checks that failed or were interrupted, and the last ones that passed.',
        maxItems: 8,
      }),
    ),
    workloads: Type.Optional(
      Type.Array(rolloutWorkload, { description: 'The workloads of the rollout. Only the last rollout has them.' }),
    ),
    services,
    switchTime,
    switchBackTime,
  },
  { description: 'A completed rollout.' },
)

export type RolloutStatus = Infer<typeof rollout>
export type CheckStatus = Infer<typeof checkStatus>
export type StepStatus = Infer<typeof step>
export type PastRollout = Infer<typeof pastRollout>
