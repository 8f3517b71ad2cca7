import { Type } from '@sinclair/typebox'
import { defaultTimeoutSeconds, defaultVersionSyntax, strategyKinds } from './names.ts'
import { policySchema } from './policy.ts'
import { type Infer, integer, oneOf, rule } from './schema.ts'

/** A registry is not asked more often than this for one tag. */
const minPollIntervalSeconds = 5
/** Longer patterns are refused: the time to match one grows with its length. */
const maxPatternLength = 256

const objectName = (description: string) =>
  Type.String({
    description,
    minLength: 1,
    maxLength: 253,
    'x-kubernetes-validations': [
      rule(
        "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",
        'must be the name of an object in the same namespace: lower-case letters, digits, - and . only, e.g. web-config',
      ),
    ],
  })

const verifyRules = [
  rule(
    'self.kind != "Image" || (has(self.image) && self.image != "")',
    'a verification of kind Image needs image, the repository of the image to run, e.g. image: registry.example.com/shop/smoke-test',
  ),
  rule(
    'self.kind != "Image" || (has(self.tag) && self.tag != "")',
    'a verification of kind Image needs tag, the tag of the image to run, e.g. tag: v1',
  ),
]

const verification = Type.Object(
  {
    kind: oneOf(['Image'], {
      description: 'The kind of verification. Image runs a pod of an image; it passes by exit status 0.',
    }),
    image: Type.Optional(
      Type.String({ description: 'The repository of the image to run, without a tag.', maxLength: 255 }),
    ),
    tag: Type.Optional(Type.String({ description: 'The tag of the image to run.', maxLength: 128 })),
  },
  { description: 'One verification of a version.', 'x-kubernetes-validations': verifyRules },
)

const imageRepo = Type.String({
  description:
    'The image repository to follow, without tag or digest, e.g. registry.example.com/shop/web. The workloads get images of this repository.',
  minLength: 1,
  maxLength: 255,
  'x-kubernetes-validations': [
    rule(
      "!self.contains('://')",
      'must be a repository, not a URL: leave out the scheme, e.g. registry.example.com/shop/web',
    ),
    rule(
      "!self.contains('@')",
      'must not carry a digest: write the repository alone, e.g. registry.example.com/shop/web',
    ),
    rule(
      "self.contains('://') || self.contains('@') || !self.substring(self.lastIndexOf('/') + 1).contains(':')",
      'must not carry a tag: write the repository alone here, and the tag in spec.tag',
    ),
    rule(
      "self.contains('://') || self.contains('@') || self.substring(self.lastIndexOf('/') + 1).contains(':') || self.matches('^[a-zA-Z0-9.:\\\\[\\\\]-]*(/?[a-z0-9]+([._-]+[a-z0-9]+)*)+$')",
      'must be a repository as in `docker pull`: an optional host, then lower-case path parts separated by /, e.g. registry.example.com/shop/web',
    ),
  ],
})

const tag = Type.String({
  description:
    "The moving tag to follow, e.g. env-prod; either this or policy. CI moves it onto an image; cvmanager rolls that image's version out.",
  maxLength: 128,
  'x-kubernetes-validations': [
    rule("self != ''", 'must name the tag to follow, e.g. env-prod'),
    rule(
      "self == '' || self.matches('^[A-Za-z0-9_][A-Za-z0-9_.-]*$')",
      'must be an image tag: letters, digits, _ . and -, not beginning with . or -, e.g. env-prod',
    ),
  ],
})

const selector = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: Type.String({ description: "The label's value.", maxLength: 63 }),
  description:
    'Labels of the workloads to roll out to: Deployments, StatefulSets and DaemonSets of this namespace that carry all of them on the object itself.',
  maxProperties: 16,
  'x-kubernetes-validations': [
    rule(
      'self.size() > 0',
      'must have at least one label, or every workload of the namespace would match; e.g. selector: {cvapp: web}',
    ),
    rule(
      "self.all(key, key.matches('^([A-Za-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$'))",
      'must have label keys of at most 63 letters, digits, _ . and -, with an optional prefix, e.g. app.kubernetes.io/name',
    ),
    rule(
      "self.all(key, self[key].matches('^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$'))",
      'must have label values of letters, digits, _ . and -, beginning and ending with a letter or digit',
    ),
  ],
})

const blueGreen = Type.Object(
  {
    serviceName: objectName('The Service that users reach; its selector is switched.'),
    verificationServiceName: Type.Optional(objectName('The Service that is pointed at the side to be verified.')),
    labelNames: Type.Optional(
      Type.Array(Type.String({ description: 'A label key.', maxLength: 317 }), {
        description: 'The labels that tell the two sides apart.',
        maxItems: 8,
      }),
    ),
    scaleDown: Type.Optional(Type.Boolean({ description: 'Whether the old side is scaled to zero after the switch.' })),
  },
  { description: 'Settings of the strategy ServiceBlueGreen.' },
)

const strategy = Type.Object(
  {
    kind: oneOf(strategyKinds, {
      description:
        'How a version is rolled out. Simple patches all the workloads at once and waits until they are healthy. ServiceBlueGreen is accepted, but this version of cvmanager does not have it yet and says so in the status.',
      default: 'Simple',
    }),
    verify: Type.Optional(
      Type.Array(verification, {
        description:
          'Verifications after the rollout. Not carried out by this version of cvmanager, which says so in the status.',
        maxItems: 16,
      }),
    ),
    blueGreen: Type.Optional(blueGreen),
  },
  {
    description: 'How a version is rolled out.',
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

export const specSchema = Type.Object(
  {
    imageRepo,
    tag: Type.Optional(tag),
    policy: Type.Optional(policySchema),
    versionSyntax: Type.Optional(
      Type.String({
        description:
          'A regular expression (RE2, matched against the whole tag) that tells which of the other tags on the same image is its version, e.g. v[0-9]+\\.[0-9]+\\.[0-9]+; without meaning for a policy, whose version is the chosen tag. At most 256 characters.',
        minLength: 1,
        maxLength: maxPatternLength,
        default: defaultVersionSyntax,
      }),
    ),
    pollIntervalSeconds: Type.Optional(
      integer({
        description:
          "How often the registry is asked for the tag, in seconds; at least 5. The manager's default applies where it is left out.",
        maximum: 86_400,
        'x-kubernetes-validations': [
          rule(
            `self >= ${minPollIntervalSeconds}`,
            'must be 5 or more, so that the registry is not flooded; 60 is a good start',
          ),
        ],
      }),
    ),
    timeoutSeconds: Type.Optional(
      integer({
        description:
          'How long a rollout may take until every workload is healthy, in seconds. After that it has failed.',
        default: defaultTimeoutSeconds,
        maximum: 86_400,
        'x-kubernetes-validations': [rule('self >= 1', 'must be 1 or more; 900 is the default')],
      }),
    ),
    selector,
    container: Type.Optional(
      Type.Object(
        {
          name: Type.Optional(
            Type.String({
              description:
                'The container whose image is changed. Where it is left out: each container whose image is of imageRepo.',
              maxLength: 63,
              'x-kubernetes-validations': [
                rule(
                  "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                  "must be a container's name: lower-case letters, digits and -, e.g. web",
                ),
              ],
            }),
          ),
          verify: Type.Optional(
            Type.Array(verification, {
              description:
                'Verifications before the rollout. Not carried out by this version of cvmanager, which says so in the status.',
              maxItems: 16,
            }),
          ),
        },
        { description: 'The container that gets the image.' },
      ),
    ),
    strategy: Type.Optional(strategy),
    rollback: Type.Optional(
      Type.Object(
        {
          enabled: Type.Boolean({
            description: 'Whether a failed rollout puts the exact previous images back. Default true.',
            default: true,
          }),
        },
        { description: 'What happens when a rollout fails.' },
      ),
    ),
    history: Type.Optional(
      Type.Object(
        {
          enabled: Type.Optional(
            Type.Boolean({
              description:
                "Whether each rollout is recorded in a ConfigMap beside the workload. The manager's setting applies where it is left out.",
            }),
          ),
          name: Type.Optional(objectName('The name of the ConfigMap; <workload>.history where it is left out.')),
        },
        { description: 'The record of the rollouts.' },
      ),
    ),
    config: Type.Optional(
      Type.Object(
        {
          name: objectName('The ConfigMap, which is created if need be.'),
          key: Type.String({
            description: 'The key in its data.',
            minLength: 1,
            maxLength: 253,
            'x-kubernetes-validations': [
              rule(
                "self.matches('^[-._a-zA-Z0-9]+$')",
                'must be a ConfigMap key: letters, digits, - _ and ., e.g. version',
              ),
            ],
          }),
        },
        { description: 'A ConfigMap key that the deployed version is written to.' },
      ),
    ),
    imagePullSecrets: Type.Optional(
      Type.Array(
        Type.Object({ name: objectName('The name of the Secret.') }, { description: 'A Secret of this namespace.' }),
        {
          description:
            "Pull secrets for asking the registry. Where it is left out: those of the workloads' pod templates and of their service accounts.",
          maxItems: 8,
        },
      ),
    ),
    serviceAccountName: Type.Optional(
      objectName(
        'The ServiceAccount of this namespace in whose name the registry is asked, where no pull secret is for it: by its own identity in the cloud (Amazon ECR, Google, Azure), never by that of the manager.',
      ),
    ),
  },
  {
    description: 'Which tag feeds which workloads, and how.',
    'x-kubernetes-validations': [
      rule(
        'has(self.tag) || has(self.policy)',
        'must say what to follow: write tag with the moving tag, e.g. tag: env-prod, or policy to choose among the tags, e.g. policy: {semver: {range: ^1.0.0}}',
      ),
      rule(
        '!has(self.tag) || !has(self.policy)',
        'tag and policy exclude each other: keep tag to follow a tag that CI moves, or policy to choose among the tags, and leave the other one out',
      ),
    ],
  },
)

export type ContainerVersionSpec = Infer<typeof specSchema>
