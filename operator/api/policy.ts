import { Type } from '@sinclair/typebox'
import { type Infer, maxPatternLength, rule } from './schema.ts'

const filter = Type.Object(
  {
    pattern: Type.String({
      description:
        'A regular expression (RE2, matched against the whole tag). Other tags are ignored. Tags of signatures and the like, such as sha256-….sig, count only if it names them. At most 256 characters.',
      minLength: 1,
      maxLength: maxPatternLength,
    }),
    extract: Type.Optional(
      Type.String({
        description:
          'The text that the policy compares, made of groups of the pattern: $1 or $name, in braces if the text after it would continue the name. Default: the whole tag. In either case the tag names the version.',
        minLength: 1,
        maxLength: maxPatternLength,
        'x-kubernetes-validations': [
          rule(
            "self.contains('$')",
            'must name a group of filter.pattern, e.g. $1 for the first one, or $build for (?P<build>[0-9]+); omit it to compare the whole tag',
          ),
        ],
      }),
    ),
  },
  { description: 'Selects the tags that count, and the part of them that the policy compares.' },
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
          'Whether versions such as 2.0.0-rc.1 also count. If false, they count only if the range itself names one with the same major.minor.patch.',
        default: false,
      }),
    ),
  },
  { description: 'Chooses the highest semantic version in a range.' },
)

const calendar = Type.Object(
  {
    format: Type.String({
      description:
        'The format of the date, e.g. YYYY.MM.DD-MICRO, YYYYMMDDhhmmss or YYYY.0M[.MICRO]; docs/version-policies.md lists its parts.',
      minLength: 1,
      maxLength: 64,
    }),
  },
  { description: 'Chooses the latest date.' },
)

const numeric = Type.Object(
  {},
  { description: 'Chooses the largest whole number, such as a build number: numeric: {}.' },
)

const newest = Type.Object(
  {},
  {
    description:
      'Chooses the tag that was pushed last: newest: {}. This needs a registry that provides push times; the status reports a registry that does not.',
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
    description: `How to choose the version among all tags of the repository, instead of tag. Exactly one of ${inWords}, and optionally a filter.`,
    'x-kubernetes-validations': [
      rule(`${given}.exists(it, it)`, `must say how to choose: write one of ${inWords}, e.g. semver: {range: ^1.0.0}`),
      rule(`${given}.filter(it, it).size() <= 1`, `must choose in one way: write only one of ${inWords}`),
    ],
  },
)

export type VersionPolicySpec = Infer<typeof policySchema>
