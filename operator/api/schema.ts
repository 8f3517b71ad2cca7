/**
 * What the schemas of a CRD need beside TypeBox; see
 * kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
import { type IntegerOptions, type SchemaOptions, type Static, type TSchema, Type } from '@sinclair/typebox'

/** The type of the values that a schema allows. */
export type Infer<S extends TSchema> = ReadonlyDeep<Static<S>>

type ReadonlyDeep<T> = T extends object ? { readonly [K in keyof T]: ReadonlyDeep<T[K]> } : T

/** The time to match a pattern grows with its length. */
export const maxPatternLength = 256

/** A rule in the Common Expression Language, and the message for whoever breaks it. */
export const rule = (expression: string, message: string) => ({ rule: expression, message })

export const oneOf = <const T extends string>(values: readonly T[], options: SchemaOptions) =>
  Type.Unsafe<T>({ type: 'string', enum: values, ...options })

export const integer = (options: IntegerOptions) => Type.Integer({ format: 'int64', ...options })

export const time = (description: string) => Type.String({ description, format: 'date-time' })

export const digest = (description: string) => Type.String({ description, maxLength: 256 })

/** The name of an object in the namespace of the ContainerVersion. */
export const objectName = (description: string) =>
  Type.String({
    description,
    minLength: 1,
    maxLength: 253,
    'x-kubernetes-validations': [
      rule(
        "self.matches('^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$')",
        'must be the name of an object in the same namespace: lower-case letters, digits, - and . only, e.g. web-config',
      ),
    ],
  })
