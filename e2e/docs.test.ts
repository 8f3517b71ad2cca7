/** Checks the documents against the files that they describe. */
import { existsSync, globSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { workloads } from '../bench/parts.ts'
import { gates } from '../operator/rollouts/gates/gates.ts'
import { documents, read, root } from './documents.ts'

/** Makes anchors as GitHub does: lower case, dashes for spaces, no punctuation. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const anchors = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))

t.test('every relative link leads to a file, and to a heading in that file', async (t) => {
  t.ok(documents.includes('README.md') && documents.includes('docs/architecture.md'))
  for (const document of documents) {
    for (const [, link = ''] of read(document).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? document : join(dirname(document), path)
      t.ok(existsSync(join(root, target)), `${document}: ${link}`)
      if (anchor !== undefined && target.endsWith('.md')) {
        t.ok(anchors(read(target)).includes(anchor), `${document}: ${link} has that heading`)
      }
    }
  }
})

/** The numbers of docs/regressions.md and docs/reliability.md. */
const numbersIn = (text: string): readonly string[] => text.match(/\b[BRS]\d{1,2}\b/g) ?? []

/** The numbers that the tests of a file carry at the start of their names. */
const testsIn = (text: string): readonly string[] =>
  [...text.matchAll(/['"`]((?:[BRS]\d{1,2} )+)/g)].flatMap(([, numbers = '']) => numbersIn(numbers))

interface NumberedRow {
  readonly document: string
  readonly number: string
  readonly shownBy: string
}

const numberedRows = (document: string): readonly NumberedRow[] =>
  [...read(document).matchAll(/^\| ([BRS]\d{1,2}) \|.*\| (.+) \|$/gm)].map(([, number = '', shownBy = '']) => ({
    document,
    number,
    shownBy,
  }))

const range = (letter: string, last: number, digits: number): readonly string[] =>
  Array.from({ length: last }, (_, at) => letter + String(at + 1).padStart(digits, '0'))

t.test('every defect and promise has one row, and every number that the sources name is one of them', async (t) => {
  const defects = numberedRows('docs/regressions.md').map(({ number }) => number)
  t.same(defects, range('B', 51, 2))
  const promises = numberedRows('docs/reliability.md').map(({ number }) => number)
  t.same(promises, [...range('R', 17, 1), ...range('S', 12, 1)])

  const documented = new Set([...defects, ...promises])
  const files = [...globSync('{operator,e2e,scripts,bench}/**/*.ts', { cwd: root }), ...documents, 'Makefile']
  for (const file of files) {
    const unknown = numbersIn(read(file)).filter((number) => !documented.has(number))
    t.same(unknown, [], `${file} names no other number`)
  }
})

t.test('every defect and promise links to tests of its number, or says that they come later', async (t) => {
  const sources = globSync('{operator,e2e,scripts}/**/*.ts', { cwd: root })
  const tested = new Map(sources.map((file) => [file, testsIn(read(file))]))
  const filesWith = (number: string) => sources.filter((file) => tested.get(file)?.includes(number))
  const targets = [...read('Makefile').matchAll(/^([a-z]+):/gm)].map(([, target = '']) => target)
  for (const { document, number, shownBy } of ['regressions', 'reliability'].flatMap((page) =>
    numberedRows(`docs/${page}.md`),
  )) {
    // A test of another number counts if the row names that number.
    const numbers = [number, ...numbersIn(shownBy.replaceAll(/\]\([^)]*\)/g, ']'))]
    const links = [...shownBy.matchAll(/\]\((\.\.[^)]+\.ts)\)/g)].map(([, link = '']) => join('docs', link))
    for (const link of links.filter((link) => link !== 'e2e/docs.test.ts')) {
      t.ok(
        numbers.some((one) => tested.get(link)?.includes(one)),
        `${document}: ${link} has a test that begins with ${number}; such tests are in ${filesWith(number).join(', ')}`,
      )
    }
    const commands = [...shownBy.matchAll(/`make ([a-z]+)`/g)].map(([, target = '']) => target)
    for (const command of commands) t.ok(targets.includes(command), `${document}: make ${command} is a target`)
    if (links.length + commands.length === 0) {
      t.match(shownBy, /comes with|not shown yet/, `${document}: ${number} says when its test comes`)
      t.same(filesWith(number), [], `${document}: ${number} has a test, so its row links to it`)
    }
  }
})

t.test('the ContainerVersion that the README explains is the one of the examples', async (t) => {
  const [, explained] = /```yaml\n(apiVersion: cvmanager[\s\S]*?)```/.exec(read('README.md')) ?? []
  t.equal(explained, read('examples/shop/container-version.yaml').replace(/^---\n/, ''))
})

t.test(
  'the picture of the folders is the same on both pages, and the table has every folder of operator',
  async (t) => {
    const contributing = read('CONTRIBUTING.md')
    const [picture = ''] = /```\n +main\.ts[\s\S]*?```/.exec(read('docs/architecture.md')) ?? []
    t.ok(picture.length > 0 && contributing.includes(picture))
    const listed = [...contributing.matchAll(/^\| `operator\/([a-z]+)` \|/gm)].map(([, folder = '']) => folder)
    const folders = readdirSync(join(root, 'operator'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    t.same([...listed].sort(), folders.map(({ name }) => name).sort())
  },
)

/** How the code writes the reasons in conditions, events and the log. */
const makers: readonly RegExp[] = [
  /new (?:NeedsChangeError|TransientError|RegistryRefusal|Failure)\(\s*'([A-Z]\w+)'/g,
  /(?:reason|by): (?:\w+\?\.reason \?\? )?'([A-Z]\w+)'/g,
  /\(\s*(?:\w+,\s*)?'(?:Normal|Warning)',\s*'([A-Z]\w+)'/g,
  /\b(?:fail|giveUp|waitForPerson)\(\s*'([A-Z]\w+)'/g,
  /\bnotFound\(\s*'([A-Z]\w+)'/g,
  /const (?:noneFits|missing) = '([A-Z]\w+)'/g,
]

function reasonsInCode(): Set<string> {
  const sources = globSync('operator/**/*.ts', { cwd: root }).filter((path) => !/(test|fixture|cases)\.ts$/.test(path))
  const text = sources.map(read)
  const found = text.flatMap((source) => makers.flatMap((maker) => [...source.matchAll(maker)].map(([, word]) => word)))
  // A gate's name is a reason; rollouts/plan/outcome.ts builds the last two from the outcome.
  const named = gates.map(({ name }) => name)
  return new Set([...found.filter((word) => word !== undefined), ...named, 'Aborted', 'RolloutAborted'])
}

/** A reason of the API server itself. The code knows it by its status code and never shows the word. */
const internal: ReadonlySet<string> = new Set(['Expired'])

t.test('every reason is documented, and every documented reason exists', async (t) => {
  const [, section = ''] = read('docs/containerversion.md').split('\n## Reasons\n')
  const documented = new Set([...section.matchAll(/^\| `([A-Z]\w+)` \|/gm)].map(([, word = '']) => word))
  const made = reasonsInCode()
  for (const reason of internal) made.delete(reason)
  t.ok(made.size > 30, 'the code was searched')
  t.same([...made].filter((reason) => !documented.has(reason)).sort(), [], 'in the code, but not documented')
  t.same([...documented].filter((reason) => !made.has(reason)).sort(), [], 'documented, but not in the code')
})

t.test('every reason that the page of symptoms names is documented', async (t) => {
  const reasons = read('docs/containerversion.md')
  // A word with a capital inside: no field, no command, no phase.
  const named = new Set(read('docs/troubleshooting.md').match(/(?<=`)[A-Z][a-z]+[A-Z]\w+(?=`)/g))
  t.ok(named.size > 15)
  const phases = ['RolledBack', 'RollingOut', 'OnDelete']
  for (const reason of named) {
    if (!phases.includes(reason)) t.match(reasons, `\n| \`${reason}\` |`, reason)
  }
})

t.test('every metric is documented, and every documented metric exists', async (t) => {
  const names = (text: string) => [...new Set(text.match(/cvmanager_[a-z_]+/g) ?? [])].sort()
  const inCode = ['operator/http/metrics.ts', 'operator/http/object-metrics.ts'].map(read).join()
  t.same(names(read('docs/operations.md')), names(inCode))
})

t.test('every benchmark is listed', async (t) => {
  const [, listed = ''] = /^\| `NAME…` .*`(w1 [^`]+)` \|$/m.exec(read('docs/performance.md')) ?? []
  t.same(listed.split(' '), Object.keys(workloads))
})

interface ComposeFile {
  readonly services: Readonly<Record<string, { readonly command: string; readonly profiles?: readonly string[] }>>
}

t.test('compose.yaml runs all tests, and the demo in a profile', async (t) => {
  const { services } = parse(read('compose.yaml'), { merge: true }) as ComposeFile
  t.match(services, { tests: { command: 'make test' }, try: { command: 'make demo', profiles: ['try'] } })
  t.notOk(services.tests?.profiles, 'the tests need no profile')
})

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[]
}

t.test('every alert has a row that says what to do, and every row is of an alert', async (t) => {
  const { groups } = parse(read('charts/cvmanager/files/alerts.yaml')) as Rules
  const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert))
  const rows = [...read('docs/operations.md').matchAll(/^\| `(Cvmanager\w+)` \| [^|]+ \| [^|]+ \|$/gm)]
  t.same(
    rows.map(([, alert]) => alert),
    alerts,
  )
})

interface ClusterRole {
  readonly kind: string
  readonly rules: readonly { readonly resources: readonly string[]; readonly verbs: readonly string[] }[]
}

t.test('the documented rights are those of the ClusterRole', async (t) => {
  const objects = parseAllDocuments(read('deploy/rbac.yaml')).map((one) => one.toJS() as ClusterRole)
  const rules = objects.find(({ kind }) => kind === 'ClusterRole')?.rules ?? []
  const lines = read('docs/operations.md').split('\n')
  for (const { resources, verbs } of rules) {
    for (const resource of resources) {
      const row = lines.find((line) => line.startsWith('|') && line.split('|')[1]?.includes(`\`${resource}\``))
      t.equal(row?.split('|')[2]?.trim(), verbs.join(', '), resource)
    }
  }
})

interface Crd {
  readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] }
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
}

t.test('every field of the spec is documented', async (t) => {
  const document = read('docs/containerversion.md')
  const crd = parse(read('crds/cvmanager.io_containerversions.yaml')) as Crd
  const fields = Object.keys(crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.spec?.properties ?? {})
  t.ok(fields.length > 10, 'the CRD was read')
  for (const field of fields) t.match(document, new RegExp(`^\\| \`${field}[\`.]`, 'm'), field)
})
