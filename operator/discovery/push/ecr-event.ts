/** EventBridge's "ECR Image Action" events (docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html). */
import { hintOf, type PushHint } from './hint.ts'
import { textAt } from './receivers/payload.ts'

export type EcrEvent =
  /** One tag, under each name of its registry. */
  | { readonly is: 'push'; readonly hints: readonly PushHint[] }
  /** A deletion, a scan, or an event of another service. */
  | { readonly is: 'other' }
  /** Not what EventBridge sends. */
  | { readonly is: 'malformed'; readonly fault: string }

export function parseEcrEvent(text: string): EcrEvent {
  let event: unknown
  try {
    event = JSON.parse(text)
  } catch {
    return { is: 'malformed', fault: 'it is not JSON' }
  }
  const type = textAt(event, 'detail-type')
  const source = textAt(event, 'source')
  if (type === undefined || source === undefined) return { is: 'malformed', fault: 'it is no EventBridge event' }
  if (source !== 'aws.ecr' || type !== 'ECR Image Action') return { is: 'other' }
  const detail = (name: string) => textAt(event, 'detail', name)
  const tag = detail('image-tag')
  // Parts of a multi-architecture image are pushed by digest, which moves no tag.
  if (detail('action-type') !== 'PUSH' || detail('result') !== 'SUCCESS' || tag === undefined) return { is: 'other' }

  const account = textAt(event, 'account') ?? ''
  const region = textAt(event, 'region') ?? ''
  if (!/^\d{12}$/.test(account) || !/^[a-z]{2,8}(-[a-z]+)+-\d+$/.test(region)) {
    return { is: 'malformed', fault: 'its account or its region is invalid' }
  }
  const hints = hostsOf(account, region)
    .map((host) => hintOf(`${host}/${detail('repository-name') ?? ''}`, tag))
    .filter((hint) => hint !== undefined)
  return hints.length > 0 ? { is: 'push', hints } : { is: 'malformed', fault: 'its repository or its tag is invalid' }
}

/** Partitions by the beginning of their regions' names (docs.aws.amazon.com/general/latest/gr/ecr.html); the usual one is last. */
const suffixes: readonly (readonly [prefix: string, suffix: string, dualStack: string])[] = [
  ['cn-', 'amazonaws.com.cn', 'on.amazonwebservices.com.cn'],
  ['us-isob-', 'sc2s.sgov.gov', 'on.aws.scloud'],
  ['us-isof-', 'csp.hci.ic.gov', 'on.aws.hci.ic.gov'],
  ['us-iso-', 'c2s.ic.gov', 'on.aws.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk', 'on.cloud-aws.adc-e.uk'],
  ['eusc-', 'amazonaws.eu', 'on.amazonwebservices.eu'],
  ['', 'amazonaws.com', 'on.aws'],
]

/** A registry has several hosts, and an event names none of them. */
function hostsOf(account: string, region: string): readonly string[] {
  const [, suffix = '', dualStack = ''] = suffixes.find(([prefix]) => region.startsWith(prefix)) ?? []
  return [
    ...['dkr.ecr', 'dkr.ecr-fips'].map((name) => `${account}.${name}.${region}.${suffix}`),
    ...['dkr-ecr', 'dkr-ecr-fips'].map((name) => `${account}.${name}.${region}.${dualStack}`),
  ]
}
