import { Type } from '@sinclair/typebox'
import { type Infer, rule } from './schema.ts'

/** Longer patterns are refused: the time to match one grows with its length. */
const maxPatternLength = 256

const filter = Type.Object(
  {
    pattern: Type.String({
      description:
        'A regular expression (RE2, matched against the whole tag); other tags do not count. At most 256 characters.',
      minLength: 1,
      maxLength: maxPatternLength,
    }),
    extract: Type.Optional(
      Type.String({
        description:
          'What the policy compares, made of the groups of the pattern: $1 or $name, in braces before text that would go on with the name. The whole tag where it is left out. The version is named by the tag in either case.',
        minLength: 1,
        maxLength: maxPatternLength,
        'x-kubernetes-validations': [
          rule(
            "self.contains('$')",
            'must name a group of filter.pattern, e.g. $1 for the first one, or $build for (?P<build>[0-9]+); leave it out to compare the whole tag',
          ),
        ],
      }),
    ),
  },
  { description: 'Which tags count, and what of them is compared.' },
)

const semver = Type.Object(
  {
    range: Type.String({
      description:
        'A range as npm writes it (docs.npmjs.com/cli/using-npm/semver), e.g. ~1.4, ^2 or >=1.2.0 <3. A tag may begin with v.',
      minLength: 1,
      maxLength: 256,
    }),
    prerelease: Type.Optional(
      Type.Boolean({
        description:
          'Whether versions such as 2.0.0-rc.1 count too. Where it is false, they count only where the range itself names one of the same major.minor.patch.',
        default: false,
      }),
    ),
  },
  { description: 'The highest semantic version in a range.' },
)

const calendar = Type.Object(
  {
    format: Type.String({
      description:
        'How the date is written, e.g. YYYY.MM.DD-MICRO, YYYYMMDDhhmmss or YYYY.0M[.MICRO]; see docs/version-policies.md for the parts that there are.',
      minLength: 1,
      maxLength: 64,
    }),
  },
  { description: 'The latest date.' },
)

const numeric = Type.Object({}, { description: 'The largest whole number, e.g. of build numbers: numeric: {}.' })

const newest = Type.Object(
  {},
  {
    description:
      'The tag that was pushed last: newest: {}. Only of registries that tell when a tag was pushed; the status says so where one does not.',
  },
)

const policies = {
  semver: Type.Optional(semver),
  calendar: Type.Optional(calendar),
  numeric: Type.Optional(numeric),
  newest: Type.Optional(newest),
}

export type PolicyName = keyof typeof policies

const names = Object.keys(policies)
const inWords = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
const given = `[${names.map((name) => `has(self.${name})`).join(', ')}]`

export const policySchema = Type.Object(
  { ...policies, filter: Type.Optional(filter) },
  {
    description: `Instead of tag: how the version is chosen among all the tags of the repository. Exactly one of ${inWords}, and a filter where only some of the tags count.`,
    'x-kubernetes-validations': [
      rule(`${given}.exists(it, it)`, `must say how to choose: write one of ${inWords}, e.g. semver: {range: ^1.0.0}`),
      rule(`${given}.filter(it, it).size() <= 1`, `must choose in one way: write only one of ${inWords}`),
    ],
  },
)

export type VersionPolicySpec = Infer<typeof policySchema>
