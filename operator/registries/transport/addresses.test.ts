import { lookup } from 'node:dns/promises'
import t from 'tap'
import { guardedLookup, mayConnect } from './addresses.ts'

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

t.test('loopback is allowed for configured registries, and not for what an answer names', async (t) => {
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', '0:0:0:0:0:ffff:7f00:1']) {
    t.ok(mayConnect(address, 'configured'), address)
    t.notOk(mayConnect(address, 'answered'), address)
  }
})

t.test('public and private addresses are allowed', async (t) => {
  for (const address of ['93.184.216.34', '10.0.0.7', '192.168.1.1', '2001:db8::1', 'fd12::1', '::ffff:10.0.0.7']) {
    t.ok(mayConnect(address, 'answered'), address)
  }
})

t.test('a name that resolves to loopback is not allowed for what an answer names', async (t) => {
  const resolve = (destination: 'answered' | 'configured', all: boolean) =>
    new Promise((done) => guardedLookup(destination)('localhost', { all }, (error, address) => done(error ?? address)))
  t.match(await resolve('answered', true), { name: 'ForbiddenAddress' })
  t.match(await resolve('answered', false), { name: 'ForbiddenAddress' })
  const { address } = await lookup('localhost')
  t.equal(await resolve('configured', false), address)
  t.match(await resolve('configured', true), [{ address }])
})
