/** `spec.strategy`: how to roll out a version. */
import { Type } from '@sinclair/typebox'
import { checks } from './checks.ts'
import { defaultScaleDownDelaySeconds, strategyKinds } from './names.ts'
import { type Infer, integer, objectName, oneOf, rule } from './schema.ts'

const blueGreen = Type.Object(
  {
    serviceName: objectName('The Service for users. The strategy switches its selector.'),
    verificationServiceName: Type.Optional(objectName('The Service that points at the side that is being verified.')),
    labelNames: Type.Optional(
      Type.Array(Type.String({ description: 'A label key.', maxLength: 317 }), {
        description:
          "The labels that distinguish the two sides: the switch sets these in the Service's selector, to their values in the pod template of the other side. Default: those of the selector in which the two pod templates differ.",
        maxItems: 8,
      }),
    ),
    scaleDown: Type.Optional(
      Type.Boolean({ description: 'Whether to scale the old side to zero after the switch. Default: false.' }),
    ),
    scaleDownDelaySeconds: Type.Optional(
      integer({
        description: `How long the old side keeps running after the switch if scaleDown is true, so that open connections can end. Default: ${defaultScaleDownDelaySeconds}.`,
        minimum: 0,
        maximum: 86_400,
      }),
    ),
    timeoutSeconds: Type.Optional(
      integer({
        description: 'Accepted from manifests of the first cvmanager, and without effect. Use spec.timeoutSeconds.',
      }),
    ),
  },
  {
    description: 'The settings of the strategy ServiceBlueGreen.',
    'x-kubernetes-validations': [
      rule(
        '!has(self.verificationServiceName) || self.verificationServiceName != self.serviceName',
        'verificationServiceName must be another Service than serviceName: the one of the users is switched only at the end',
      ),
    ],
  },
)

export const strategySchema = Type.Object(
  {
    kind: oneOf(strategyKinds, {
      description:
        'The strategy. Simple patches the workloads and waits until they are healthy. ServiceBlueGreen rolls out to the one of two Deployments that the Service does not select, and then switches the Service.',
      default: 'Simple',
    }),
    onNewVersion: Type.Optional(
      oneOf(['Replace', 'Wait'], {
        description:
          'What a newer version does that arrives during a rollout: Replace ends the rollout and takes its place, Wait waits until the rollout has ended. Default: Replace.',
      }),
    ),
    verify: Type.Optional(
      checks(
        'Checks of the new version while it runs. Simple: once all workloads are healthy. ServiceBlueGreen: before the switch. If one fails, the version is rolled back.',
      ),
    ),
    blueGreen: Type.Optional(blueGreen),
  },
  {
    description: 'How to roll out a version.',
    default: { kind: 'Simple' },
    'x-kubernetes-validations': [
      rule(
        "self.kind != 'ServiceBlueGreen' || has(self.blueGreen)",
        'the strategy ServiceBlueGreen needs its settings: write strategy.blueGreen with at least serviceName',
      ),
      rule(
        "self.kind == 'ServiceBlueGreen' || !has(self.blueGreen)",
        'strategy.blueGreen goes with kind: ServiceBlueGreen: write that kind, or leave blueGreen out',
      ),
    ],
  },
)

export type StrategySpec = Infer<typeof strategySchema>
