/** Manifests: from text to text. What does not belong to the old program stays as it is, to the byte. */
import { isDeepStrictEqual } from 'node:util'
import { Document, isMap as isYamlMap, parseDocument, type YAMLMap } from 'yaml'
import { messageOf } from '../../errors.ts'
import { convert, isOld, NotConvertibleError } from './convert.ts'
import { isMap, type Json } from './fields.ts'
import { whyLeftOut } from './manager.ts'
import { type Labelled, labelled } from './named-workload.ts'

export interface Manifest {
  /** The path of the file. */
  readonly name: string
  readonly text: string
}

export interface ConvertedManifests {
  readonly text: string
  /** How many objects were converted. */
  readonly converted: number
  /** Each in one line, with the file and the document. */
  readonly problems: readonly string[]
}

/** One document of a file. */
interface Part {
  /** `web.yaml, document 2`. */
  readonly where: string
  readonly text: string
  /** Its one object, or those of a list. */
  readonly items: readonly Item[]
  readonly faults: readonly string[]
}

interface Item {
  readonly object: Json
  /** For an object of its own, with the user's comments. */
  readonly document: Document
}

/** Only a separator begins a line with three dashes; kubectl splits manifests at the same places. */
const separator = /^(?=---(?:\s|$))/m

/** @param more workloads that are not in the manifests, among which an object may name one */
export function convertManifests(manifests: readonly Manifest[], more: readonly Labelled[] = []): ConvertedManifests {
  const parts = manifests.flatMap(partsOf)
  const workloads = [...more, ...parts.flatMap(({ items }) => items.map(({ object }) => labelled(object)))]
  const problems: string[] = []
  let converted = 0
  const convertedItem = ({ object, document }: Item, where: string): string => {
    const why = whyLeftOut(object)
    if (why !== undefined) return `# cvmanager migrate leaves out ${why}.\n`
    if (!isOld(object)) return document.toString()
    try {
      const { object: made, notes } = convert(object, workloads)
      converted += 1
      return rewritten(document, made, notes)
    } catch (thrown) {
      if (!(thrown instanceof NotConvertibleError)) throw thrown
      problems.push(...thrown.problems.map((problem) => `${where}, ${nameOf(object)}: ${problem}`))
      return ''
    }
  }
  const texts = parts.map(({ where, text, items, faults }) => {
    problems.push(...faults.map((fault) => `${where}: this is not YAML; render a template first: ${fault}`))
    if (!items.some(({ object }) => isOld(object) || whyLeftOut(object) !== undefined)) return text
    return items.map((item) => separated(convertedItem(item, where))).join('')
  })
  return { text: joined(texts), converted, problems }
}

function partsOf({ name, text }: Manifest): readonly Part[] {
  const texts = text.split(separator)
  return texts.map((part, at) => {
    // The braces of a template would be keys that are no strings.
    const document = parseDocument(part, { stringKeys: true })
    const { value, faults } = contentOf(document)
    const items = isList(value)
      ? value.items.map((object) => ({ object, document: new Document(object) }))
      : isMap(value)
        ? [{ object: value, document }]
        : []
    return { where: texts.length > 1 ? `${name}, document ${at + 1}` : name, text: part, items, faults }
  })
}

function contentOf(document: Document.Parsed): { readonly value?: unknown; readonly faults: readonly string[] } {
  if (document.errors.length > 0) return { faults: document.errors.map(({ message }) => message) }
  try {
    return { value: document.toJS(), faults: [] }
  } catch (thrown) {
    // An alias leads nowhere, or there are too many.
    return { faults: [messageOf(thrown)] }
  }
}

/** As `kubectl get -o yaml` prints several objects. */
const isList = (value: unknown): value is { readonly items: readonly Json[] } =>
  isMap(value) && String(value.kind).endsWith('List') && Array.isArray(value.items) && value.items.every(isMap)

/** `ContainerVersion shop/web`. */
export function nameOf({ kind, metadata }: Json): string {
  const { namespace, name } = isMap(metadata) ? metadata : {}
  return `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`
}

/** The new object in place of the old one, with the user's comments, and what has changed at its head. */
function rewritten(document: Document, made: object, notes: readonly string[]): string {
  const { contents } = document
  if (!isYamlMap(contents)) throw new Error('an object is a map')
  rewrite(document, contents, made)
  const ours = ['Converted by cvmanager migrate:', ...notes.map((note) => `- ${note}`)].map((line) => ` ${line}`)
  contents.commentBefore = [contents.commentBefore, ...ours].filter(Boolean).join('\n')
  return document.toString({ lineWidth: 0 })
}

/** Makes a map equal to the wanted one. What is equal already keeps its comments and its form. */
function rewrite(document: Document, map: YAMLMap, wanted: object): void {
  const present = map.toJS(document) as Json
  for (const key of Object.keys(present)) if (!(key in wanted)) map.delete(key)
  for (const [key, value] of Object.entries(wanted)) {
    const node = map.get(key, true)
    if (isMap(value) && isYamlMap(node)) rewrite(document, node, value)
    else if (!isDeepStrictEqual(present[key], value)) map.set(key, document.createNode(value))
  }
  if (Object.keys(wanted).every((key) => key in present)) return
  const order = Object.keys(wanted)
  map.items.sort((one, other) => order.indexOf(String(one.key)) - order.indexOf(String(other.key)))
}

const separated = (text: string): string => (text.startsWith('---') ? text : `---\n${text}`)

/** Each text begins a document of its own, but for the first. */
function joined(texts: readonly string[]): string {
  const whole = texts.filter((text) => text.trim() !== '').map((text) => (text.endsWith('\n') ? text : `${text}\n`))
  return whole.map((text, at) => (at === 0 ? text : separated(text))).join('')
}
