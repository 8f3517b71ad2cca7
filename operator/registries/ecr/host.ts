/** Hosts of private ECR registries, taken apart exactly or not at all (B01, B02). */

export interface EcrHost {
  /** Twelve digits. */
  readonly account: string
  readonly region: string
  readonly fips: boolean
  /** IPv4 and IPv6: `dkr-ecr` before `on.aws`. */
  readonly dualStack: boolean
}

/** By partition, the domain of its hosts with IPv4 alone, and of those with IPv6 too. */
const domains = {
  plain: [
    'amazonaws.com',
    'amazonaws.com.cn',
    'amazonaws.eu',
    // Isolated partitions.
    'c2s.ic.gov',
    'sc2s.sgov.gov',
    'cloud.adc-e.uk',
    'csp.hci.ic.gov',
  ],
  dualStack: [
    'on.aws',
    'on.amazonwebservices.com.cn',
    'on.amazonwebservices.eu',
    'on.aws.ic.gov',
    'on.aws.scloud',
    'on.cloud-aws.adc-e.uk',
    'on.aws.hci.ic.gov',
  ],
} as const

const anyOf = (names: readonly string[]): string => names.map((name) => name.replaceAll('.', '\\.')).join('|')
const region = '[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}'
const pattern = new RegExp(
  `^(?<account>[0-9]{12})\\.` +
    `(?:dkr\\.ecr(?<fips>-fips)?\\.(?<region>${region})\\.(?:${anyOf(domains.plain)})` +
    `|dkr-ecr(?<dualFips>-fips)?\\.(?<dualRegion>${region})\\.(?:${anyOf(domains.dualStack)}))$`,
)
/** The longest that DNS allows. */
const longestHost = 253

/**
 * Undefined for any other host: one with a port, a domain of ECR in the middle of it, or something before the account.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
 */
export function parseEcrHost(host: string): EcrHost | undefined {
  if (host.length > longestHost) return undefined
  const parts = pattern.exec(host.toLowerCase())?.groups
  const found = parts?.region ?? parts?.dualRegion
  if (parts?.account === undefined || found === undefined) return undefined
  return {
    account: parts.account,
    region: found,
    fips: (parts.fips ?? parts.dualFips) !== undefined,
    dualStack: parts.dualRegion !== undefined,
  }
}
