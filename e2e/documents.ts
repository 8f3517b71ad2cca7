/** The pages of this project, and the code in them, for the tests that hold the pages to the program. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { specFields } from '../operator/api/fields.ts'

export const root = join(import.meta.dirname, '..')
export const read = (path: string): string => readFileSync(join(root, path), 'utf8')
export const documents: readonly string[] = globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort()

export interface Snippet {
  /** `docs/push.md:42`, for the reader of a failed test. */
  readonly at: string
  readonly text: string
}

const fence = /^```(\w*)\n(.*?)^```$/gms
const blank = (text: string): string => text.replaceAll(/[^\n]/g, '')

/** The blocks of code of a page: fenced, of these languages if any are given, or indented by four spaces. */
export function blocks(page: string, ...languages: readonly string[]): readonly Snippet[] {
  const text = read(page)
  const fenced = [...text.matchAll(fence)].filter(([, language = '']) => languages.includes(language) || !languages[0])
  const others = text.replaceAll(fence, blank)
  const indented = others.matchAll(/(?<=\n\n)(?: {4}.*\n|\n(?= {4}))+/g)
  return [
    ...fenced.map((match) => ({ at: at(page, text, match.index), text: match[2] ?? '' })),
    ...[...indented].map(({ 0: code, index }) => ({
      at: at(page, others, index),
      text: code.replaceAll(/^ {4}/gm, ''),
    })),
  ]
}

/** Code within a sentence or a table. */
export function inlineCode(page: string): readonly Snippet[] {
  const sentences = read(page)
    .replaceAll(fence, blank)
    .replaceAll(/^ {4}.*$/gm, blank)
  return [...sentences.matchAll(/`([^`]+)`/g)].map(({ 1: code = '', index }) => ({
    at: at(page, sentences, index),
    text: code.replaceAll('\n', ' ').replaceAll('\\|', '|'),
  }))
}

const at = (page: string, text: string, index: number): string => `${page}:${text.slice(0, index).split('\n').length}`

export interface YamlSnippet extends Snippet {
  readonly value: Readonly<Record<string, unknown>>
}

/** Each YAML document of the pages that is a mapping. */
export function yamlSnippets(): readonly YamlSnippet[] {
  const all = documents.flatMap((page) => blocks(page, 'yaml'))
  const likely = all.filter(({ text }) => /^(#.*\n)*\w+:\s/.test(text))
  return likely.flatMap(({ at, text }) =>
    parseAllDocuments(text).map((document) => ({ at, text, value: document.toJS() as YamlSnippet['value'] })),
  )
}

/** Whether it has nothing but these keys. */
export const hasOnly = ({ value }: YamlSnippet, keys: readonly string[]): boolean =>
  Object.keys(value).every((key) => keys.includes(key))

/** The specs of ContainerVersions in the pages, each completed by what its page leaves out. */
export function documentedSpecs(): readonly (Snippet & { readonly spec: Readonly<Record<string, unknown>> })[] {
  return yamlSnippets().flatMap((snippet) => {
    const { at, text, value } = snippet
    const isWhole = value.kind === 'ContainerVersion'
    if (!isWhole && !hasOnly(snippet, ['spec', ...specFields])) return []
    const written = (value.spec ?? value) as Readonly<Record<string, unknown>>
    const missing = { imageRepo: 'registry.example.com/shop/web', selector: { app: 'web' } }
    const tag = written.policy === undefined ? { tag: 'env-prod' } : {}
    return [{ at, text, spec: isWhole ? written : { ...missing, ...tag, ...written } }]
  })
}
