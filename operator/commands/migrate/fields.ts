/** Reads the fields of an old object, and collects what there is to say about them. */

export type Json = Readonly<Record<string, unknown>>

export const isMap = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export class Report {
  /** What the conversion has changed, for people: each with the path of a field. */
  readonly notes: string[] = []
  /** Why the object cannot be converted, and what to write. */
  readonly problems: string[] = []
}

/** The old program wrote a field that was never set as null, 0, false or empty. Each of these but false is taken as absent. */
const isUnset = (value: unknown): boolean =>
  value === null ||
  value === '' ||
  value === 0 ||
  (Array.isArray(value) && value.length === 0) ||
  (isMap(value) && Object.values(value).every(isUnset))

/** One map of an old object. Each method takes a field; what nobody takes is unknown. */
export class Fields {
  readonly path: string
  readonly #report: Report
  readonly #left: Map<string, unknown>

  constructor(path: string, map: Json, report: Report) {
    this.path = path
    this.#report = report
    this.#left = new Map(Object.entries(map).filter(([, value]) => !isUnset(value)))
  }

  /** A field, without taking it. */
  peek(name: string): unknown {
    return this.#left.get(name)
  }

  any(name: string): unknown {
    const value = this.#left.get(name)
    this.#left.delete(name)
    return value
  }

  text(name: string): string | undefined {
    return this.#of(name, (value) => typeof value === 'string', 'text')
  }

  integer(name: string): number | undefined {
    return this.#of(name, Number.isSafeInteger, 'a whole number')
  }

  flag(name: string): boolean | undefined {
    return this.#of(name, (value) => typeof value === 'boolean', 'true or false')
  }

  /** A field that must be there. */
  required(name: string, example: string): string {
    const value = this.text(name)
    if (value === undefined) this.problem(name, `is missing; write for example ${name}: ${example}`)
    return value ?? ''
  }

  fields(name: string): Fields | undefined {
    const map = this.#of<Json>(name, isMap, 'a map')
    return map && new Fields(`${this.path}.${name}`, map, this.#report)
  }

  /** A list of maps, or one of them, as the earlier programs had it. */
  list(name: string): readonly Fields[] {
    const value = this.any(name)
    if (value === undefined) return []
    if (isMap(value)) {
      this.note(name, 'is a list now')
      return [new Fields(`${this.path}.${name}`, value, this.#report)]
    }
    if (Array.isArray(value) && value.every(isMap))
      return value.map((item, at) => new Fields(`${this.path}.${name}[${at}]`, item, this.#report))
    this.problem(name, 'must be a list of maps')
    return []
  }

  texts(name: string): readonly string[] | undefined {
    const isTexts = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === 'string')
    return this.#of(name, isTexts, 'a list of texts')
  }

  /** Says what the earlier name of a field is called now. */
  renamed(from: string, to: string): void {
    if (this.#left.has(from)) {
      this.note(from, `is ${to} now`)
      if (!this.#left.has(to)) this.#left.set(to, this.#left.get(from))
      this.#left.delete(from)
    }
  }

  note(name: string, text: string): void {
    this.#report.notes.push(`${this.path}.${name} ${text}`)
  }

  problem(name: string, text: string): void {
    this.#report.problems.push(`${this.path}.${name} ${text}`)
  }

  /** Leaves a field out that has no meaning any more. */
  drop(name: string, why: string): void {
    if (this.any(name) !== undefined) this.note(name, `is left out: ${why}`)
  }

  /** To be called once all known fields are taken. */
  dropUnknown(): void {
    for (const name of [...this.#left.keys()]) this.drop(name, 'there is no such field')
  }

  #of<T>(name: string, fits: (value: unknown) => boolean, what: string): T | undefined {
    const value = this.any(name)
    if (value === undefined || fits(value)) return value as T | undefined
    this.problem(name, `must be ${what}, and is ${JSON.stringify(value)}`)
    return undefined
  }
}
