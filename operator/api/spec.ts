import { Type } from '@sinclair/typebox'
import { checks } from './checks.ts'
import { defaultTimeoutSeconds, defaultVersionSyntax, minPollIntervalSeconds } from './names.ts'
import { policySchema } from './policy.ts'
import { type Infer, integer, maxPatternLength, objectName, rule } from './schema.ts'
import { strategySchema } from './strategy.ts'

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
    'The moving tag to follow, e.g. env-prod; either this or policy. When CI moves the tag to another image, cvmanager rolls out the version of that image.',
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
    'The labels of the workloads to roll out to: Deployments, StatefulSets, DaemonSets, ReplicaSets, CronJobs, Jobs and Pods of this namespace that have all of these labels on the object itself, and that no other object controls.',
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

export const specSchema = Type.Object(
  {
    imageRepo,
    tag: Type.Optional(tag),
    policy: Type.Optional(policySchema),
    versionSyntax: Type.Optional(
      Type.String({
        description:
          'A regular expression (RE2, matched against the whole tag) that finds the version among the other tags on the same image, e.g. v[0-9]+\\.[0-9]+\\.[0-9]+. If it matches the followed tag itself, and that has a digit, that is the version. With a policy it has no effect, since the chosen tag is the version. At most 256 characters.',
        minLength: 1,
        maxLength: maxPatternLength,
        default: defaultVersionSyntax,
      }),
    ),
    livenessSeconds: Type.Optional(
      integer({
        description:
          'Accepted from manifests of the first cvmanager, and without effect. It was the period of the probe of a syncer, a Deployment for each ContainerVersion. There are no syncers any more: /alive of cvmanager answers for all.',
      }),
    ),
    pollIntervalSeconds: Type.Optional(
      integer({
        description:
          "How often to poll the registry for the tag, in seconds; at least 5. A new value takes effect within one (new) interval. Default: the manager's setting.",
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
          'How long each step of a rollout may take, from the change until the workloads are healthy, in seconds. After that, the rollout has failed. Checks and waiting for a person do not count.',
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
                'The container whose image to change; an init container or a sidecar counts as one. Default: every container with an image of imageRepo.',
              maxLength: 63,
              'x-kubernetes-validations': [
                rule(
                  "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                  "must be a container's name: lower-case letters, digits and -, e.g. web",
                ),
              ],
            }),
          ),
          names: Type.Optional(
            Type.Array(
              Type.String({
                description: "A container's name.",
                maxLength: 63,
                pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
              }),
              {
                description: 'The containers whose image to change, in place of name.',
                minItems: 1,
                maxItems: 16,
                'x-kubernetes-list-type': 'set',
              },
            ),
          ),
          verify: Type.Optional(
            checks(
              'Checks of the new version before anything is changed. If one fails, nothing is, and the version is not tried again.',
            ),
          ),
        },
        {
          description: 'Selects the containers that get the image.',
          'x-kubernetes-validations': [
            rule(
              '!has(self.name) || !has(self.names)',
              'name and names exclude each other: write all of them into names',
            ),
          ],
        },
      ),
    ),
    strategy: Type.Optional(strategySchema),
    rollback: Type.Optional(
      Type.Object(
        {
          enabled: Type.Boolean({
            description: 'Whether a failed rollout restores the exact previous images.',
            default: true,
          }),
        },
        { description: 'What to do if a rollout fails.' },
      ),
    ),
    history: Type.Optional(
      Type.Object(
        {
          enabled: Type.Optional(
            Type.Boolean({
              description: "Whether to record each rollout in a ConfigMap. Default: the manager's setting.",
            }),
          ),
          name: Type.Optional(
            objectName('The ConfigMap is <name>.history. Default: the name of the workload, so <workload>.history.'),
          ),
        },
        { description: 'The record of rollouts.' },
      ),
    ),
    config: Type.Optional(
      Type.Object(
        {
          name: objectName('The ConfigMap. cvmanager creates it if it does not exist.'),
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
        {
          description:
            'A ConfigMap key to write the version to that the workloads run: one of them if they run several. Without a workload it stays.',
        },
      ),
    ),
    imagePullSecrets: Type.Optional(
      Type.Array(
        Type.Object({ name: objectName('The name of the Secret.') }, { description: 'A Secret of this namespace.' }),
        {
          description:
            "The pull secrets for the registry. Default: the pull secrets of the workloads' pod templates and of their service accounts.",
          maxItems: 8,
        },
      ),
    ),
    serviceAccountName: Type.Optional(
      objectName(
        "The ServiceAccount of this namespace whose cloud identity (Amazon ECR, Google, Azure) cvmanager uses for the registry if no pull secret covers it, and never the manager's own.",
      ),
    ),
  },
  {
    description: 'Which tag to follow, which workloads to roll out to, and how.',
    'x-kubernetes-validations': [
      rule(
        'has(self.tag) || has(self.policy)',
        'must say what to follow: write tag with the moving tag, e.g. tag: env-prod, or policy to choose among the tags, e.g. policy: {semver: {range: ^1.0.0}}',
      ),
      rule(
        '!has(self.tag) || !has(self.policy)',
        'tag and policy exclude each other: keep tag to follow a tag that CI moves, or policy to choose among the tags, and leave the other out',
      ),
    ],
  },
)

export type ContainerVersionSpec = Infer<typeof specSchema>
