import { type PolicyFields, policyKinds } from '../discovery/versions/policies/policies.ts'
import { type Infer, object, optional, type Schema, string } from './schema.ts'

/** Longer patterns are refused: the time to match one grows with its length. */
const maximumPatternLength = 256

const filter = object(
  {
    pattern: string({
      description:
        'A regular expression (RE2, matched against the whole tag); other tags do not count. At most 256 characters.',
      minLength: 1,
      maxLength: maximumPatternLength,
    }),
    extract: optional(
      string({
        description:
          'What the policy compares, made of the groups of the pattern: $1 or $name, in braces before text that would go on with the name. The whole tag where it is left out. The version is named by the tag in either case.',
        minLength: 1,
        maxLength: maximumPatternLength,
        'x-kubernetes-validations': [
          {
            rule: "self.contains('$')",
            message:
              'must name a group of filter.pattern, e.g. $1 for the first one, or $build for (?P<build>[0-9]+); leave it out to compare the whole tag',
          },
        ],
      }),
    ),
  },
  { description: 'Which tags count, and what of them is compared.' },
)

const names = policyKinds.map(({ kind }) => kind)
const inWords = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
const given = `[${names.map((name) => `has(self.${name})`).join(', ')}]`

/** The type is said by itself: of fields that come from an array, the compiler keeps no names. */
export type VersionPolicySpec = PolicyFields & { readonly filter?: Infer<typeof filter> }

export const policySchema: Schema<VersionPolicySpec> = object(
  { ...Object.fromEntries(policyKinds.map(({ kind, field }) => [kind, optional(field)])), filter: optional(filter) },
  {
    description: `Instead of tag: how the version is chosen among all the tags of the repository. Exactly one of ${inWords}, and a filter where only some of the tags count.`,
    'x-kubernetes-validations': [
      {
        rule: `${given}.exists(it, it)`,
        message: `must say how to choose: write one of ${inWords}, e.g. semver: {range: ^1.0.0}`,
      },
      {
        rule: `${given}.filter(it, it).size() <= 1`,
        message: `must choose in one way: write only one of ${inWords}`,
      },
    ],
  },
)
