/** "ECR Image Action" events of EventBridge (docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html). */
import type { Place } from '../polling/places.ts'
import { placeOf, textAt } from './receivers/payload.ts'

export type EcrEvent =
  | { readonly is: 'push'; readonly places: readonly Place[] }
  /** Of something else: a deletion, a scan, another service. */
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
  if (type === undefined || source === undefined) return { is: 'malformed', fault: 'it is no event of EventBridge' }
  const action = textAt(event, 'detail', 'action-type')
  if (source !== 'aws.ecr' || type !== 'ECR Image Action' || action !== 'PUSH') return { is: 'other' }
  if (textAt(event, 'detail', 'result') !== 'SUCCESS') return { is: 'other' }

  const account = textAt(event, 'account') ?? ''
  const region = textAt(event, 'region') ?? ''
  const repository = textAt(event, 'detail', 'repository-name') ?? ''
  const tag = textAt(event, 'detail', 'image-tag')
  // A part of a multi-architecture image: pushed by its digest, no tag has moved.
  if (tag === undefined) return { is: 'other' }
  if (!/^\d{12}$/.test(account) || !/^[a-z]{2,8}(-[a-z]+)+-\d+$/.test(region)) {
    return { is: 'malformed', fault: 'its account or region is none' }
  }
  const digest = textAt(event, 'detail', 'image-digest')
  const places = hostsOf(account, region).map((host) => placeOf(`${host}/${repository}`, tag, digest))
  if (places.some((place) => place === undefined)) return { is: 'malformed', fault: 'its repository or tag is none' }
  return { is: 'push', places: places as readonly Place[] }
}

/** Partitions by what their regions begin with (docs.aws.amazon.com/general/latest/gr/ecr.html), the usual one last. */
const suffixes: readonly (readonly [prefix: string, suffix: string, dualStack: string])[] = [
  ['cn-', 'amazonaws.com.cn', 'on.amazonwebservices.com.cn'],
  ['us-isob-', 'sc2s.sgov.gov', 'on.aws.scloud'],
  ['us-isof-', 'csp.hci.ic.gov', 'on.aws.hci.ic.gov'],
  ['us-iso-', 'c2s.ic.gov', 'on.aws.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk', 'on.cloud-aws.adc-e.uk'],
  ['eusc-', 'amazonaws.eu', 'on.amazonwebservices.eu'],
  ['', 'amazonaws.com', 'on.aws'],
]

/** One registry has several hosts, and an event names none of them. */
function hostsOf(account: string, region: string): readonly string[] {
  const [, suffix = '', dualStack = ''] = suffixes.find(([prefix]) => region.startsWith(prefix)) ?? []
  return [
    ...['dkr.ecr', 'dkr.ecr-fips'].map((name) => `${account}.${name}.${region}.${suffix}`),
    ...['dkr-ecr', 'dkr-ecr-fips'].map((name) => `${account}.${name}.${region}.${dualStack}`),
  ]
}
