/** The checks of a version: `spec.container.verify` and `spec.strategy.verify`. */
import { Type } from '@sinclair/typebox'
import { checkKinds } from './names.ts'
import { type Infer, integer, oneOf, rule } from './schema.ts'

const objectNamePattern = '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$'

/** One member for each kind, which only that kind may have. */
const kindRules = [
  rule(
    'self.kind != "Image" || (has(self.image) && self.image != "")',
    'a check of kind Image needs image, the repository of the image to run, e.g. image: registry.example.com/shop/smoke-test',
  ),
  rule(
    'self.kind != "Image" || (has(self.tag) && self.tag != "")',
    'a check of kind Image needs tag, the tag of the image to run, e.g. tag: v1',
  ),
  rule(
    'self.kind == "Image" || (!has(self.image) && !has(self.tag))',
    'image and tag go with kind: Image; leave them out, or write that kind',
  ),
  rule(
    '(self.kind == "Command") == has(self.command)',
    'kind: Command and command go together: write what to run, e.g. command: [./migrate, --check]',
  ),
  rule(
    'self.kind == "Command" || (!has(self.container) && !has(self.workload))',
    'container and workload go with kind: Command; leave them out, or write that kind',
  ),
  rule(
    '(self.kind == "HTTP") == has(self.http)',
    'kind: HTTP and http go together: write what to request, e.g. http: {service: web-preview, port: 80, path: /healthz}',
  ),
  rule(
    'self.kind == "HTTP" || (!has(self.count) && !has(self.intervalSeconds) && !has(self.failureLimit))',
    'count, intervalSeconds and failureLimit go with a kind that measures, such as HTTP',
  ),
]

const http = Type.Object(
  {
    service: Type.Optional(
      Type.String({
        description: 'A Service of this namespace. Either this or url.',
        maxLength: 63,
        pattern: objectNamePattern,
      }),
    ),
    port: Type.Optional(
      integer({
        description: "The Service's port. Default: 80, or 443 with scheme HTTPS.",
        minimum: 1,
        maximum: 65_535,
      }),
    ),
    path: Type.Optional(
      Type.String({ description: 'The path, with a query if wanted. Default: /.', maxLength: 1024, pattern: '^/' }),
    ),
    scheme: Type.Optional(oneOf(['HTTP', 'HTTPS'], { description: 'Default: HTTP.' })),
    url: Type.Optional(
      Type.String({
        description: "Another address, which the manager's setting httpCheckHosts must allow. Either this or service.",
        maxLength: 2048,
        pattern: '^https?://',
      }),
    ),
    statuses: Type.Optional(
      Type.Array(integer({ description: 'An HTTP status.', minimum: 100, maximum: 599 }), {
        description: 'The statuses that pass. Default: 200 to 299.',
        maxItems: 8,
      }),
    ),
  },
  {
    description: 'The request of a check of kind HTTP. No redirect is followed.',
    'x-kubernetes-validations': [
      rule(
        'has(self.service) != has(self.url)',
        'needs either service, the name of a Service of this namespace, or url',
      ),
      rule(
        '!has(self.url) || (!has(self.port) && !has(self.path) && !has(self.scheme))',
        'port, path and scheme go with service; write them into url',
      ),
    ],
  },
)

const check = Type.Object(
  {
    kind: oneOf(checkKinds, {
      description:
        "The kind of check. Image runs a pod with an image of its own. Command runs a command in the workload's own pod template with the new image. HTTP requests a Service of the namespace. Exit status 0, or a good HTTP status, means that the version passes.",
    }),
    name: Type.Optional(
      Type.String({
        description: 'The name of the check, unique in its list. Default: its kind and its place, e.g. image-1.',
        maxLength: 63,
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      }),
    ),
    image: Type.Optional(
      Type.String({ description: 'Image: the repository of the image to run, without a tag.', maxLength: 255 }),
    ),
    tag: Type.Optional(Type.String({ description: 'Image: the tag of the image to run.', maxLength: 128 })),
    container: Type.Optional(
      Type.String({
        description: 'Command: the container to run it in. Default: the container that gets the image.',
        maxLength: 63,
      }),
    ),
    command: Type.Optional(
      Type.Array(Type.String({ description: 'A part of the command.', maxLength: 512 }), {
        description: 'Command: what to run, instead of the command and args of the container.',
        minItems: 1,
        maxItems: 32,
      }),
    ),
    workload: Type.Optional(
      Type.Object(
        {
          kind: Type.String({ description: 'The kind, e.g. Deployment.', maxLength: 63 }),
          name: Type.String({ description: 'The name.', maxLength: 253 }),
        },
        { description: 'Command: the workload whose pod template is used, where several have that container.' },
      ),
    ),
    http: Type.Optional(http),
    count: Type.Optional(
      integer({ description: 'HTTP: how many measurements to take. Default: 1.', minimum: 1, maximum: 1000 }),
    ),
    intervalSeconds: Type.Optional(
      integer({ description: 'HTTP: the time between two measurements. Default: 5.', minimum: 1, maximum: 3600 }),
    ),
    failureLimit: Type.Optional(
      integer({
        description: 'HTTP: more bad measurements than this fail the check. Default: 0.',
        minimum: 0,
        maximum: 1000,
      }),
    ),
    timeoutSeconds: Type.Optional(
      integer({ description: 'How long the check may take, in seconds. Default: 300.', maximum: 86_400 }),
    ),
  },
  { description: 'A check of a version.', 'x-kubernetes-validations': kindRules },
)

/** A list of checks. They run one after another, in this order. */
export const checks = (description: string) =>
  Type.Array(check, {
    description,
    maxItems: 16,
    'x-kubernetes-validations': [
      rule(
        'self.all(one, !has(one.name) || self.exists_one(other, has(other.name) && other.name == one.name))',
        'two checks of a list must not have the same name',
      ),
    ],
  })

export type Check = Infer<typeof check>
