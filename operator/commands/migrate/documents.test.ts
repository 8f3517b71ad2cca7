import fc from 'fast-check'
import { test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { convertManifests } from './documents.ts'

const photos = `apiVersion: custom.k8s.io/v1
kind: ContainerVersion
metadata:
  name: photos-cv # ours
spec:
  # where CI pushes
  imageRepo: nearmap/photos
  tag: env-prod
  checkFrequency: 5
  selector: {cvapp: photos}
`
const others = `# by hand
kind:   ConfigMap
apiVersion: v1
metadata: {name: x}
data:
  script: |
    echo ---
     ---
`
const convertText = (text: string) => convertManifests([{ name: 'web.yaml', text }])
const objectsIn = (text: string) => parseAllDocuments(text).flatMap((one) => one.toJS() ?? [])

test('other documents stay as they are, to the byte, in their places', async (t) => {
  const tail = `---\n# the end\napiVersion: v1\nkind: Service\nmetadata: {name: y}\n`
  const { text, converted, problems } = convertText(`${others}---\n${photos}${tail}`)
  t.same([converted, problems], [1, []])
  t.ok(text.startsWith(others))
  t.ok(text.endsWith(tail))
  t.same(
    objectsIn(text).map(({ kind }) => kind),
    ['ConfigMap', 'ContainerVersion', 'Service'],
  )
  const untouched = convertText(others)
  t.same([untouched.text, untouched.converted], [others, 0])
})

test('a converted document keeps the comments, and has one for each change', async (t) => {
  const { text } = convertText(photos)
  t.equal(
    text,
    `---
# Converted by cvmanager migrate:
# - apiVersion custom.k8s.io/v1, kind ContainerVersion: cvmanager.io/v1, ContainerVersion now
# - spec.versionSyntax is left out: the default [0-9a-f]{5,40} must match the whole tag now, where any part of a tag was enough
# - spec.checkFrequency is pollIntervalSeconds now, and in seconds: 300
# - spec.rollback is left out: failed versions are rolled back now, which only --rollback of the manager did before
apiVersion: cvmanager.io/v1
kind: ContainerVersion
metadata:
  name: photos-cv # ours
spec:
  # where CI pushes
  imageRepo: nearmap/photos
  tag: env-prod
  pollIntervalSeconds: 300
  selector: { cvapp: photos }
`,
  )
})

test('what belongs to the old program is left out, and a comment says so', async (t) => {
  const manager = (name: string, image: string, labels = '{app: cvmanager}') =>
    `kind: Deployment\napiVersion: apps/v1\nmetadata: {name: ${name}, labels: ${labels}}\nspec: {template: {spec: {containers: [{image: "${image}", args: [run]}]}}}\n`
  const documents = [
    'kind: CustomResourceDefinition\nmetadata: {name: kcds.custom.k8s.io}\n',
    manager('cvmanagerapp', '1.dkr.ecr.eu-west-1.amazonaws.com/nearmap/cvmanager:latest'),
    manager('kcd', 'nearmap/kcd:latest'),
    'kind: Deployment\nmetadata: {name: crsync-a}\nspec: {template: {metadata: {labels: {app: cr-syncer}}}}\n',
    photos.replace('nearmap/photos', 'nearmap/cvmanager'),
    // Of today, from a mirror of the same name; and another application.
    manager('cvmanager', 'nearmap/cvmanager:2.0.0', '{app.kubernetes.io/name: cvmanager}'),
    manager('web', 'nearmap/photos:1'),
  ]
  const { text, converted, problems } = convertText(documents.join('---\n'))
  t.same([converted, problems], [0, []])
  t.equal(text.match(/^# cvmanager migrate leaves out /gm)?.length, 5)
  t.same(
    objectsIn(text).map(({ metadata }) => metadata.name),
    ['cvmanager', 'web'],
  )
})

test('a list is converted object by object, as JSON too', async (t) => {
  const [object] = objectsIn(photos)
  const list = { apiVersion: 'v1', kind: 'List', items: [object, { apiVersion: 'v1', kind: 'ConfigMap' }] }
  const { text, converted } = convertText(JSON.stringify(list))
  t.equal(converted, 1)
  t.match(objectsIn(text), [{ apiVersion: 'cvmanager.io/v1' }, { kind: 'ConfigMap' }])
  t.equal(convertText(JSON.stringify({ kind: 'List', items: [] })).converted, 0)
})

test('several files are one text, and may be converted again without a change', async (t) => {
  const files = [photos, others, `---\n${photos.replaceAll('photos', 'web')}`].map((text, at) => ({
    name: `${at}`,
    text,
  }))
  const { text, converted } = convertManifests(files)
  t.equal(converted, 2)
  t.same(
    objectsIn(text).map(({ metadata }) => metadata.name),
    ['photos-cv', 'x', 'web-cv'],
  )
  t.same(convertText(text), { text, converted: 0, problems: [] })
})

test('a problem names the file, the document and the object', async (t) => {
  const broken = photos.replace('env-prod', '""')
  const { problems } = convertManifests([
    { name: 'a.yaml', text: `${photos}---\n${broken}` },
    { name: 'b.yaml', text: 'a: {{ .Values.tag }}: x\n' },
  ])
  t.match(problems, [
    /^a\.yaml, document 2, ContainerVersion photos-cv: spec\.tag is missing; write for example tag: env-prod$/,
    /^b\.yaml: this is not YAML; render a template first: /,
  ])
  t.equal(problems.length, 2)
})

test('S11 any text is converted, passes through, or says what is wrong', async () => {
  const line = fc.constantFrom(
    '---',
    '- a',
    'a: b',
    '  c: {d',
    'kind: KCD',
    'apiVersion: custom.k8s.io/v1',
    '|',
    '&x',
    '*x',
    '# c',
    '"',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n')),
  )
  fc.assert(
    fc.property(text, (given) => {
      const { text: made, converted, problems } = convertText(given)
      return converted === 0 && (problems.length > 0 || made.trim() === given.trim() || made.startsWith('---'))
    }),
    { numRuns: 1000 },
  )
})
