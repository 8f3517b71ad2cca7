import fc from 'fast-check'
import t from 'tap'
import { Registries } from '../registries.ts'
import { parseEcrHost } from './host.ts'

const account = '123456789012'

t.test('B01 the account and the region are parsed from the hosts of every partition', async (t) => {
  const hosts = [
    ['dkr.ecr.eu-west-1.amazonaws.com', 'eu-west-1', false, false],
    ['dkr.ecr.cn-north-1.amazonaws.com.cn', 'cn-north-1', false, false],
    ['dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1', true, false],
    ['dkr-ecr.ap-southeast-2.on.aws', 'ap-southeast-2', false, true],
    ['dkr-ecr-fips.us-east-1.on.aws', 'us-east-1', true, true],
    ['dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn', 'cn-northwest-1', false, true],
    ['dkr.ecr.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1', false, false],
    ['dkr.ecr.us-iso-east-1.c2s.ic.gov', 'us-iso-east-1', false, false],
    ['dkr.ecr.us-isob-east-1.sc2s.sgov.gov', 'us-isob-east-1', false, false],
    ['dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk', 'eu-isoe-west-1', false, false],
    ['dkr.ecr.us-isof-south-1.csp.hci.ic.gov', 'us-isof-south-1', false, false],
  ] as const
  for (const [rest, region, fips, dualStack] of hosts) {
    t.same(parseEcrHost(`${account}.${rest}`), { account, region, fips, dualStack }, rest)
    t.same(parseEcrHost(`${account}.${rest.toUpperCase()}`), { account, region, fips, dualStack })
  }
})

const others = [
  'dkr.ecr.eu-west-1.amazonaws.com',
  `a.${account}.dkr.ecr.eu-west-1.amazonaws.com`,
  `${account}.b.dkr.ecr.eu-west-1.amazonaws.com`,
  `${account}0.dkr.ecr.eu-west-1.amazonaws.com`,
  '12345678901.dkr.ecr.eu-west-1.amazonaws.com',
  `${account}.dkr.ecr.eu-west-1.amazonaws.com.example.com`,
  `${account}.dkr.ecr.eu-west-1.amazonaws.com.`,
  `${account}.dkr.ecr.eu-west-1.amazonaws.com:443`,
  `${account}.dkr.ecr.eu-west-1.amazonaws.org`,
  `${account}.dkr.ecr.eu-west-1.amazonaws.com.cnx`,
  `${account}.dkr.ecr.eu-west-1xamazonaws.com`,
  `${account}xdkr.ecr.eu-west-1.amazonaws.com`,
  `${account}.dkr.ecr.a.b.amazonaws.com`,
  `${account}.dkr.ecr..amazonaws.com`,
  `${account}.dkr.ecr.eu-west-1.on.aws`,
  `${account}.dkr-ecr.eu-west-1.amazonaws.com`,
  `${account}.dkr.ecr.eu-west-1.amazonaws.com\n`,
  `evil.example/${account}.dkr.ecr.eu-west-1.amazonaws.com`,
  'public.ecr.aws',
  'ecr.example.com',
  '',
]

t.test('B02 a host that only resembles ECR is an ordinary registry', async (t) => {
  const registries = new Registries({ transport: {} as never, clock: { now: () => 0 }, endpoints: {}, env: {} })
  for (const host of others) {
    t.equal(parseEcrHost(host), undefined, host)
    t.not(registries.for({ host, path: 'shop/web' }).kind, 'ecr', host)
  }
  const web = { host: `${account}.dkr.ecr.eu-west-1.amazonaws.com`, path: 'shop/web' }
  t.equal(registries.for(web).kind, 'ecr')
  t.equal(registries.for(web, 'ecr').kind, 'ecr')
  t.throws(() => registries.for({ host: 'ecr.example.com', path: 'shop/web' }, 'ecr'), {
    name: 'NeedsChangeError',
    reason: 'RegistryHostMismatch',
  })
})

t.test('S11 no text crashes the parser, and it accepts no more than it understands', async (t) => {
  const piece = fc.constantFrom(
    account,
    '.',
    'dkr',
    '.dkr.ecr',
    '-fips',
    'eu-west-1',
    '.amazonaws.com',
    '.cn',
    '\n',
    'a',
  )
  const host = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join('')),
  )
  fc.assert(
    fc.property(host, (text) => {
      const found = parseEcrHost(text)
      const expected = found && `${found.account}.dkr.ecr${found.fips ? '-fips' : ''}.${found.region}.amazonaws.com`
      return found === undefined || text === expected || text === `${expected}.cn`
    }),
  )
  t.equal(parseEcrHost(`${account}.dkr.ecr.${'a'.repeat(100_000)}.amazonaws.com`), undefined)
})
