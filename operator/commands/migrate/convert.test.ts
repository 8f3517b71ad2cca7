/** Old objects of each time, field by field. */
import fc from 'fast-check'
import t, { test } from 'tap'
import { specFields } from '../../api/fields.ts'
import { convert, NotConvertibleError } from './convert.ts'
import { isMap, type Json } from './fields.ts'
import type { Labelled } from './named-workload.ts'

const common = { imageRepo: 'nearmap/photos', tag: 'env-prod', selector: { cvapp: 'photos' } }

const old = (spec: unknown, kind = 'ContainerVersion'): Json => ({
  apiVersion: 'custom.k8s.io/v1',
  kind,
  metadata: { name: 'photos-cv', namespace: 'photos' },
  spec,
})

function converted(spec: Json, workloads: readonly Labelled[] = []) {
  const { object, notes } = convert(old({ ...common, ...spec }), workloads)
  const { imageRepo: _repo, tag: _tag, selector: _selector, ...more } = object.spec
  return { more, notes: notes.join('\n') }
}

function problems(spec: unknown, workloads: readonly Labelled[] = []): string {
  try {
    convert(old(spec), workloads)
  } catch (thrown) {
    if (thrown instanceof NotConvertibleError) return thrown.problems.join('\n')
    throw thrown
  }
  return ''
}

test('each field becomes what it means today, and a note says how', async (t) => {
  const verify = [{ kind: 'Image', image: 'nearmap/smoke', tag: 'v1' }]
  const blueGreen = { serviceName: 'photos', verificationServiceName: 'photos-verify', labelNames: ['color'] }
  const cases: readonly (readonly [string, Json, Json, RegExp])[] = [
    ['minutes', { checkFrequency: 5 }, { pollIntervalSeconds: 300 }, /spec\.checkFrequency is .* in seconds: 300/],
    ['seconds', { pollIntervalSeconds: 300 }, { pollIntervalSeconds: 300 }, /^(?!.*pollInterval)/s],
    ['too often', { pollIntervalSeconds: 1 }, { pollIntervalSeconds: 5 }, /pollIntervalSeconds is 5 instead of 1/],
    ['never set (B26)', { pollIntervalSeconds: 0, livenessSeconds: 0, timeoutSeconds: 0 }, {}, /^(?!.*Seconds)/s],
    ['probes', { livenessFrequency: 5 }, {}, /spec\.livenessFrequency is left out: it was the probe of a syncer/],
    ['probes, later', { livenessSeconds: 300 }, {}, /spec\.livenessSeconds is left out/],
    [
      'a text',
      { container: 'app' },
      { container: { name: 'app' } },
      /spec\.container app is spec\.container\.name now/,
    ],
    ['a map', { container: { name: 'app', verify: null } }, { container: { name: 'app' } }, /^(?!.*container)/s],
    ['checks', { container: { name: 'app', verify } }, { container: { name: 'app', verify } }, /^(?!.*verify)/s],
    [
      'one check',
      { strategy: { verify: { type: 'Image', image: 'nearmap/smoke:v1', timeoutSecs: 60 } } },
      { strategy: { kind: 'Simple', verify: [{ ...verify[0], timeoutSeconds: 60 }] } },
      /verify is a list now.*verify\.type is kind now.*timeoutSecs is timeoutSeconds now.*tag is v1, which was in image/s,
    ],
    [
      'a check without a tag',
      { strategy: { verify: [{ kind: 'Image', image: 'nearmap/smoke' }] } },
      { strategy: { kind: 'Simple', verify: [{ kind: 'Image', image: 'nearmap/smoke', tag: 'latest' }] } },
      /verify\[0\]\.tag is latest, which ran without a tag/,
    ],
    [
      'blue/green of early 2018',
      {
        strategy: {
          type: 'ServiceBlueGreen',
          blueGreen: { serviceName: 'photos', testServiceName: 'photos-verify', labelName: 'color', timeoutSecs: 60 },
        },
      },
      { timeoutSeconds: 60, strategy: { kind: 'ServiceBlueGreen', blueGreen } },
      /timeoutSeconds is spec\.timeoutSeconds now.*type is kind.*testServiceName is verif.*labelName is labelNames/s,
    ],
    [
      'blue/green',
      {
        timeoutSeconds: 600,
        strategy: { kind: 'ServiceBlueGreen', blueGreen: { ...blueGreen, timeoutSeconds: 60, scaleDown: true } },
      },
      { timeoutSeconds: 600, strategy: { kind: 'ServiceBlueGreen', blueGreen: { ...blueGreen, scaleDown: true } } },
      /timeoutSeconds is left out: spec\.timeoutSeconds counts.*scaleDown scales the old side down 30 s after/s,
    ],
    [
      'one Service for both',
      {
        strategy: {
          kind: 'ServiceBlueGreen',
          blueGreen: { serviceName: 'a', verificationServiceName: 'a', scaleDown: false },
        },
      },
      { strategy: { kind: 'ServiceBlueGreen', blueGreen: { serviceName: 'a' } } },
      /verificationServiceName is left out: it must be another Service than a/,
    ],
    [
      'an unknown kind, which was Simple',
      { strategy: { kind: 'Canary', blueGreen } },
      { strategy: { kind: 'Simple' } },
      /kind Canary is Simple now.*blueGreen is left out: it goes with/s,
    ],
    ['as the old program wrote it', { strategy: { kind: '', blueGreen: null, verify: null }, config: null }, {}, /^/],
    ['no rollback', {}, {}, /spec\.rollback is left out: failed versions are rolled back now/],
    ['rollback off', { rollback: { enabled: false } }, { rollback: { enabled: false } }, /false, as before/],
    ['rollback on', { rollback: { enabled: true } }, { rollback: { enabled: true } }, /^(?!.*rollback)/s],
    [
      'history',
      { history: { enabled: true, name: 'foo' } },
      { history: { enabled: true, name: 'foo' } },
      /^(?!.*history)/s,
    ],
    ['history never set', { history: { enabled: false, name: '' } }, {}, /history\.enabled is left out: the setting/],
    ['config', { config: { name: 'versions', key: 'web' } }, { config: { name: 'versions', key: 'web' } }, /^/],
    [
      'the default pattern (B04)',
      {},
      {},
      /spec\.versionSyntax is left out: the default .* must match the whole tag now/,
    ],
    [
      'an open pattern (B04)',
      { versionSyntax: '^v' },
      { versionSyntax: '^v.*' },
      /spec\.versionSyntax must match the whole/,
    ],
    ['an unknown field', { colour: 'red' }, {}, /spec\.colour is left out: there is no such field/],
  ]
  for (const [name, spec, expected, note] of cases) {
    const { more, notes } = converted(spec)
    t.same(more, expected, name)
    t.match(notes, note, `${name}: ${notes}`)
  }
})

test('a KCD is a ContainerVersion, and its workloads keep their label kcdapp', async (t) => {
  const { object, notes } = convert(old({ ...common, selector: { kcdapp: 'photos' } }, 'KCD'), [])
  t.match(object, { apiVersion: 'cvmanager.io/v1', kind: 'ContainerVersion', spec: { selector: { kcdapp: 'photos' } } })
  t.match(notes[0], /kind KCD: cvmanager\.io\/v1, ContainerVersion now/)
})

test('what the API server has written is left out, and what people have written stays', async (t) => {
  const metadata = {
    name: 'photos-cv',
    namespace: 'photos',
    labels: { team: 'maps' },
    annotations: { note: 'ours', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: null,
    generation: 3,
    selfLink: '/apis',
    managedFields: [],
    ownerReferences: [],
  }
  const { object, notes } = convert({ ...old(common), metadata, status: { deployed: true } }, [])
  t.same(object.metadata, {
    name: 'photos-cv',
    namespace: 'photos',
    labels: { team: 'maps' },
    annotations: { note: 'ours' },
  })
  t.notOk('status' in object)
  t.ok(notes.includes('status is left out: cvmanager writes its own'))
})

t.test('a Deployment by name becomes its labels', async (t) => {
  const { selector: _, ...byName } = { ...common, deployment: { name: 'app', container: 'main' } }
  const web = { kind: 'Deployment', namespace: 'photos', name: 'app', labels: { app: 'web', chart: 'web-0.1.0' } }
  const { object, notes } = convert(old(byName), [web, { ...web, namespace: 'other' }])
  t.match(object.spec, { selector: { app: 'web' }, container: { name: 'main' } })
  t.notOk('chart' in (object.spec.selector as object), 'the next release has another one')
  t.match(
    notes.join('\n'),
    /deployment\.name app is spec\.selector now.*deployment\.container main is spec\.container\.name/s,
  )

  const twin = { ...web, kind: 'StatefulSet', name: 'db' }
  t.match(
    problems(byName, [web, twin]),
    /StatefulSet db has all labels of Deployment app too; label it \(kubectl label/,
  )
  t.match(problems(byName, [{ ...web, labels: {} }]), /Deployment app has no labels/)
  t.match(problems(byName), /spec\.deployment\.name cannot become a selector: Deployment app is not among the given/)
})

test('what cannot be converted says each field, and what to write', async (t) => {
  t.same(problems({}).split('\n'), [
    'spec.imageRepo is missing; write for example imageRepo: registry.example.com/shop/web',
    'spec.tag is missing; write for example tag: env-prod',
    'spec.selector is missing; write labels that the workloads have, e.g. selector: {cvapp: web}',
  ])
  const cases: readonly (readonly [Json, RegExp])[] = [
    [{ imageRepo: 'nearmap/photos:v1' }, /imageRepo must be a repository alone.* write nearmap\/photos/],
    [{ imageRepo: 'Near Map' }, /imageRepo cannot be used: "Near Map" is not an image reference/],
    [{ tag: 'a b' }, /spec\.tag must be a tag, and is "a b"/],
    [{ tag: '' }, /spec\.tag is missing/],
    [{ tag: 5 }, /spec\.tag must be text, and is 5/],
    [{ pollIntervalSeconds: '5' }, /spec\.pollIntervalSeconds must be a whole number, and is "5"/],
    [{ versionSyntax: '(' }, /spec\.versionSyntax cannot be used/],
    [{ selector: { a: 1 } }, /spec\.selector must be labels/],
    [{ selector: 'web' }, /spec\.selector must be labels/],
    [{ container: 7 }, /spec\.container must be text/],
    [{ strategy: 'Simple' }, /spec\.strategy must be a map/],
    [{ strategy: { kind: 'ServiceBlueGreen' } }, /strategy\.blueGreen is missing/],
    [{ strategy: { kind: 'ServiceBlueGreen', blueGreen: { scaleDown: true } } }, /blueGreen\.serviceName is missing/],
    [{ strategy: { verify: [{ kind: 'Curl', image: 'a', tag: 'b' }] } }, /verify\[0\]\.kind is Curl/],
    [{ strategy: { verify: [{ kind: 'Image' }] } }, /verify\[0\]\.image is missing/],
    [{ strategy: { verify: 'smoke' } }, /strategy\.verify must be a list of maps/],
    [{ rollback: { enabled: 'yes' } }, /rollback\.enabled must be true or false/],
    [{ config: { name: 'versions' } }, /config\.key is missing/],
  ]
  for (const [spec, message] of cases) t.match(problems({ ...common, ...spec }), message)
  t.match(problems('web'), /spec is missing/)
  t.throws(() => convert({ ...old(common), metadata: {} }, []), /metadata\.name is missing/)
})

test('an object that was converted is not changed, whatever it has', async (t) => {
  const before = old({ ...common, strategy: { verify: { image: 'a:b' } } })
  const copy = structuredClone(before)
  convert(before, [])
  t.same(before, copy)
  t.ok(isMap(before.spec))
})

const fieldsOfAllTimes = [
  ...['imageRepo', 'tag', 'versionSyntax', 'pollIntervalSeconds', 'checkFrequency', 'livenessFrequency', 'selector'],
  ...['deployment', 'container', 'strategy', 'blueGreen', 'verify', 'kind', 'type', 'serviceName', 'labelName', 'name'],
  ...['timeoutSeconds', 'timeoutSecs', 'rollback', 'enabled', 'history', 'config', 'key', 'image', '__proto__'],
]

test('S11 whatever an object has, it becomes one with fields of today, or says what is wrong', async () => {
  const { spec } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(null, '', 0, -1, 7, false, true, 'web', 'Image', 'ServiceBlueGreen', 'a:b', '^('),
      fc.array(tie('value'), { maxLength: 2 }),
      tie('spec'),
    ),
    spec: fc.dictionary(fc.constantFrom(...fieldsOfAllTimes), tie('value'), { maxKeys: 6 }),
  }))
  const base = fc.constantFrom({}, common)
  fc.assert(
    fc.property(base, spec, (start, more) => {
      try {
        const { object } = convert(old({ ...start, ...(more as Json) }), [])
        return Object.keys(object.spec).every((field) => specFields.some((known) => known === field))
      } catch (thrown) {
        return thrown instanceof NotConvertibleError && thrown.problems.length > 0
      }
    }),
    { numRuns: 2000 },
  )
})
