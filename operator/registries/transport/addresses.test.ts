import { lookup } from 'node:dns/promises'
import t from 'tap'
import { type Destination, guardedLookup, mayConnect } from './addresses.ts'

t.test('metadata, link-local and unspecified addresses are never allowed, in any notation', async (t) => {
  const forbidden = [
    '169.254.169.254',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '100.100.100.200',
    '::',
    'fe80::1',
    'fe80::1%eth0',
  ]
  const disguised = [
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '::169.254.169.254',
  ]
  for (const address of [...forbidden, ...disguised, 'fd00:ec2::254', 'ff02::1', 'not an address']) {
    t.notOk(mayConnect(address, 'configured'), address)
    t.notOk(mayConnect(address, 'answered'), address)
  }
})

t.test("loopback is for what the manager's settings name, in any notation", async (t) => {
  const plain = ['127.0.0.1', '127.8.8.8', '::1']
  const mapped = ['::ffff:127.0.0.1', '0:0:0:0:0:ffff:7f00:1', '::ffff:0:127.0.0.1', '::127.0.0.1']
  const translated = ['64:ff9b::7f00:1', '64:ff9b:1::7f00:1', '64:ff9b:1:7f00:0:100::', '64:ff9b:1:0:7f:0:100::']
  const tunnelled = ['2002:7f00:1::', '2001:0:4136:e378:8000:63bf:80ff:fffe', 'fd12::5efe:7f00:1']
  for (const address of [...plain, ...mapped, ...translated, ...tunnelled]) {
    t.ok(mayConnect(address, 'settings'), address)
    t.notOk(mayConnect(address, 'configured'), address)
    t.notOk(mayConnect(address, 'answered'), address)
  }
})

t.test('the services of clouds are not allowed, wherever they are', async (t) => {
  const sixth = [
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fd20:ce::254',
    'fd00:c1::a9fe:a9fe',
    'fd00:42::42',
    'fd00:a9fe:a9fe::1',
  ]
  const fourth = ['169.254.170.2', '169.254.170.23', '169.254.42.42', '100.100.100.200', '168.63.129.16', '192.0.0.192']
  for (const address of [...sixth, 'fd00:100::100:200', 'fe80::a9fe:a9fe', ...fourth, '::ffff:168.63.129.16']) {
    t.notOk(mayConnect(address, 'settings'), address)
    t.notOk(mayConnect(address, 'configured'), address)
    t.ok(mayConnect(address, 'platform'), address)
  }
})

t.test('public and private addresses are allowed', async (t) => {
  const embedded = ['::ffff:10.0.0.7', '64:ff9b::808:808', '64:ff9b:1::808:808', '2002:808:808::1']
  const plain = ['93.184.216.34', '10.0.0.7', '192.168.1.1', '100.100.100.201', '2001:db8::1', 'fd12::1', 'fd00::1']
  for (const address of [...plain, ...embedded]) {
    t.ok(mayConnect(address, 'answered'), address)
  }
})

t.test('a name that resolves to loopback is not allowed, unless the settings name it', async (t) => {
  const resolve = (destination: Destination, all: boolean) =>
    new Promise((done) => guardedLookup(destination)('localhost', { all }, (error, address) => done(error ?? address)))
  for (const destination of ['answered', 'configured'] as const) {
    t.match(await resolve(destination, true), { name: 'ForbiddenAddress' })
    t.match(await resolve(destination, false), { name: 'ForbiddenAddress' })
  }
  const { address } = await lookup('localhost')
  t.equal(await resolve('settings', false), address)
  t.match(await resolve('settings', true), [{ address }])
})
