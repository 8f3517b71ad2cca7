/**
 * A schema and its TypeScript type from one text. Only what a structural OpenAPI schema of a CRD knows is here; see
 * kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */

/** A rule in the Common Expression Language, with what the user is told who breaks it. */
export interface Rule {
  readonly rule: string
  readonly message: string
}

interface Common {
  readonly description: string
  readonly default?: unknown
  readonly 'x-kubernetes-validations'?: readonly Rule[]
}

type Json = Readonly<Record<string, unknown>>

/** `T` is carried for the compiler alone; `json` is what stands in the CRD. */
export interface Schema<T> {
  readonly json: Json
  readonly optional: boolean
  readonly type?: T
}

export type Infer<S> = S extends Schema<infer T> ? T : never

type Fields = Readonly<Record<string, Schema<unknown>>>
type OptionalKeys<F extends Fields> = { [K in keyof F]: F[K]['optional'] extends true ? K : never }[keyof F]
type FromFields<F extends Fields> = { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Infer<F[K]> } & {
  readonly [K in OptionalKeys<F>]?: Infer<F[K]>
}

interface Required<T> extends Schema<T> {
  readonly optional: false
}
interface Optional<T> extends Schema<T> {
  readonly optional: true
}

const required = <T>(json: Json): Required<T> => ({ json, optional: false })

export const optional = <T>(schema: Schema<T>): Optional<T> => ({ json: schema.json, optional: true })

interface StringOptions extends Common {
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: 'date-time'
}

export const string = (options: StringOptions): Required<string> => required({ type: 'string', ...options })

/** One of a closed set of words. */
export const oneOf = <const E extends string>(values: readonly E[], options: Common): Required<E> =>
  required({ type: 'string', enum: values, ...options })

export const time = (description: string): Required<string> => string({ description, format: 'date-time' })

export const integer = (options: Common & { readonly minimum?: number; readonly maximum?: number }): Required<number> =>
  required({ type: 'integer', format: 'int64', ...options })

export const boolean = (options: Common): Required<boolean> => required({ type: 'boolean', ...options })

interface ListOptions extends Common {
  readonly maxItems?: number
  readonly 'x-kubernetes-list-type'?: 'map' | 'atomic'
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
}

export const list = <T>(items: Schema<T>, options: ListOptions): Required<readonly T[]> =>
  required({ type: 'array', ...options, items: items.json })

export const map = <T>(
  values: Schema<T>,
  options: Common & { readonly minProperties?: number; readonly maxProperties?: number },
): Required<Readonly<Record<string, T>>> => required({ type: 'object', ...options, additionalProperties: values.json })

export const object = <F extends Fields>(fields: F, options: Common): Required<FromFields<F>> => {
  const names = Object.entries(fields)
    .filter(([, field]) => !field.optional)
    .map(([name]) => name)
  return required({
    type: 'object',
    ...options,
    ...(names.length > 0 ? { required: names } : {}),
    properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.json])),
  })
}
