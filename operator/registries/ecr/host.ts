/** Parses the hosts of private ECR registries. Anything that only resembles one is not parsed (B01, B02). */

export interface EcrHost {
  /** Twelve digits. */
  readonly account: string
  readonly region: string
  readonly fips: boolean
  /** IPv4 and IPv6: `dkr-ecr` before `on.aws`. */
  readonly dualStack: boolean
}

/** The domains of each partition: for hosts with IPv4 only, and for those with IPv6 too. */
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
/** The limit of DNS. */
const maxHostLength = 253

/**
 * @returns undefined for any other host, also for one with a port, or with ECR's domain in the middle
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
 */
export function parseEcrHost(host: string): EcrHost | undefined {
  if (host.length > maxHostLength) return undefined
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
