import { documentedSpecs } from '../../documents.ts'
import type { Bed } from '../bed.ts'
import { containerVersion } from '../manifests.ts'
import type { AddTest } from '../scenario.ts'

const good = { imageRepo: 'registry.example.com/shop/web', tag: 'env-prod', selector: { cvapp: 'web' } }

const accepted: readonly object[] = [
  good,
  { ...good, imageRepo: 'nginx' },
  { ...good, imageRepo: '127.0.0.1:5000/shop/web' },
  {
    ...good,
    imageRepo: '[::1]:5000/a_b/web.x',
    selector: { 'app.kubernetes.io/name': 'web' },
    container: { name: 'web' },
  },
  { ...good, strategy: { kind: 'ServiceBlueGreen', blueGreen: { serviceName: 'web' } } },
  {
    ...good,
    pollIntervalSeconds: 5,
    timeoutSeconds: 1,
    rollback: { enabled: false },
    config: { name: 'a', key: 'b.c' },
  },
]

const refused: readonly (readonly [string, object, RegExp])[] = [
  [
    'a repository with a tag',
    { imageRepo: 'r.io/shop/web:v1' },
    /must not carry a tag: write the repository alone here, and the tag in spec\.tag/,
  ],
  [
    'a repository with a digest',
    { imageRepo: 'r.io/shop/web@sha256:aa' },
    /must not carry a digest: write the repository alone/,
  ],
  [
    'a repository that is a URL',
    { imageRepo: 'https://r.io/shop/web' },
    /must be a repository, not a URL: leave out the scheme/,
  ],
  [
    'a repository in capitals',
    { imageRepo: 'r.io/Shop/web' },
    /must be a repository as in `docker pull`: .*lower-case/,
  ],
  ['an empty repository', { imageRepo: '' }, /spec\.imageRepo/],
  ['no repository', { imageRepo: undefined }, /spec\.imageRepo: Required value/],
  ['an empty tag', { tag: '' }, /must name the tag to follow, e\.g\. env-prod/],
  ['a tag with a space', { tag: 'env prod' }, /must be an image tag: letters, digits/],
  ['a tag that is a number', { tag: 5 }, /spec\.tag: Invalid value: "integer": .*must be of type string/],
  ['no selector', { selector: undefined }, /spec\.selector: Required value/],
  [
    'an empty selector',
    { selector: {} },
    /must have at least one label, or every workload of the namespace would match/,
  ],
  [
    'an invalid label in the selector',
    { selector: { 'a b': 'c' } },
    /must have label keys of at most 63 letters, digits/,
  ],
  ['an interval under 5 s', { pollIntervalSeconds: 4 }, /must be 5 or more, so that the registry is not flooded/],
  ['B26 an interval of 0', { pollIntervalSeconds: 0 }, /must be 5 or more/],
  ['a timeout of 0', { timeoutSeconds: 0 }, /must be 1 or more; 900 is the default/],
  [
    'a pattern of 257 characters',
    { versionSyntax: 'a'.repeat(257) },
    /spec\.versionSyntax: Too long: may not be more than 256/,
  ],
  [
    'blue/green without its settings',
    { strategy: { kind: 'ServiceBlueGreen' } },
    /needs its settings: write strategy\.blueGreen with at least serviceName/,
  ],
  [
    'settings of blue/green for Simple',
    { strategy: { kind: 'Simple', blueGreen: { serviceName: 'a' } } },
    /write that kind, or leave blueGreen out/,
  ],
  [
    'one Service for users and for verification',
    { strategy: { kind: 'ServiceBlueGreen', blueGreen: { serviceName: 'a', verificationServiceName: 'a' } } },
    /verificationServiceName must be another Service than serviceName/,
  ],
  ['an unknown strategy', { strategy: { kind: 'Canary' } }, /supported values: "Simple", "ServiceBlueGreen"/],
  [
    'a verification without an image',
    { container: { verify: [{ kind: 'Image' }] } },
    /needs image, the repository of the image to run/,
  ],
  [
    'a container’s name in capitals',
    { container: { name: 'Web_1' } },
    /must be a container's name: lower-case letters, digits and -/,
  ],
  ['config without a key', { config: { name: 'versions' } }, /spec\.config\.key: Required value/],
  ['an invalid key', { config: { name: 'versions', key: 'a b' } }, /must be a ConfigMap key: letters, digits/],
  [
    'an invalid name of the history',
    { history: { name: 'A B' } },
    /must be the name of an object in the same namespace/,
  ],
  ['an unknown field', { tags: ['env-prod'] }, /unknown field "spec\.tags"/],
]

/** The API server refuses manifests that can never work. */
export function admission(test: AddTest, bed: Bed): void {
  test('the API server admits good manifests', async (t) => {
    for (const spec of accepted) t.equal(await complaint(bed, spec), '', JSON.stringify(spec))
  })

  test('the API server admits every ContainerVersion of the pages', async (t) => {
    const documented = documentedSpecs()
    t.ok(documented.length > 20)
    for (const { at, spec } of documented) t.equal(await complaint(bed, spec), '', at)
  })

  test(`${refused.length} bad manifests are refused, and each message says what to write instead`, async (t) => {
    for (const [what, mistake, says] of refused) t.match(await complaint(bed, { ...good, ...mistake }), says, what)
  })
}

async function complaint(bed: Bed, spec: object): Promise<string> {
  const path = '/apis/cvmanager.io/v1/namespaces/default/containerversions?dryRun=All&fieldValidation=Strict'
  const { status, body } = await bed.cluster.request('POST', path, containerVersion('x', 'default', spec))
  return status < 300 ? '' : String((body as { message: string }).message)
}
