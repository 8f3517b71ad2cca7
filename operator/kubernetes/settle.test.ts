import { test } from 'tap'
import { settle } from './settle.ts'

test('what is kept cannot be changed, at any depth', async (t) => {
  const kept = settle({ labels: { app: 'web' }, containers: [{ name: 'app' }] })
  t.throws(() => Object.assign(kept.labels, { app: 'other' }), TypeError)
  t.throws(() => kept.containers.push({ name: 'more' }), TypeError)
})

test('values stay what they are', async (t) => {
  const value = {
    text: 'web',
    long: 'x'.repeat(1000),
    number: 1,
    yes: true,
    none: null,
    missing: undefined,
    list: ['a', 2],
  }
  t.same(settle(structuredClone(value)), value)
})

test('a thing that is frozen already is left alone', async (t) => {
  const nothing = Object.freeze({})
  t.equal(settle({ labels: nothing }).labels, nothing)
})

test('more different strings than are remembered do no harm', async (t) => {
  const names = Array.from({ length: 20_000 }, (_, index) => `web-${index}`)
  t.same(
    names.map((name) => settle({ name }).name),
    names,
  )
})
